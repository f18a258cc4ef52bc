/** What the server serves, as a program. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ISSUER = 'http://127.0.0.1:1/t/acme';

/** @type {import('node:child_process').ChildProcess} */
let program;
/** @type {string} */
let origin;

before(async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  origin = `http://127.0.0.1:${port}`;
  const env = { ...process.env, ISSUER, LISTEN: `127.0.0.1:${port}` };
  const file = fileURLToPath(new URL('../server.js', import.meta.url));
  program = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  // It says so once it listens, although no issuer is there.
  await once(/** @type {import('node:stream').Readable} */ (program.stdout), 'data');
});
after(() => program.kill('SIGKILL'));

test('one page at three addresses, and its scripts', async () => {
  for (const path of ['/', '/login', '/callback?code=code']) {
    const answer = await fetch(`${origin}${path}`);
    assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.doesNotMatch(await answer.text(), /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
  }
  for (const path of ['/app.js', '/client.js', '/oauth4webapi.js']) {
    const answer = await fetch(`${origin}${path}`);
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/javascript; charset=utf-8']);
    assert.doesNotMatch(await answer.text(), /^import .* from '(?!\.?\/)/m);
  }
  const missing = ['/server.js', '/package.json', '/node_modules/oauth4webapi/package.json', '/..%2fpackage.json'];
  for (const path of missing) assert.equal((await fetch(`${origin}${path}`)).status, 404, path);
});

test('the policy lets scripts of its own run, and ask here and the issuer', async () => {
  const { headers } = await fetch(origin);
  assert.equal(
    headers.get('content-security-policy'),
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' http://127.0.0.1:1; " +
      "base-uri 'none'; frame-ancestors 'none'",
  );
});

test('the page is told what it needs, and no secret', async () => {
  const scope = 'openid profile email offline_access reports.read';
  assert.deepEqual(await (await fetch(`${origin}/settings.json`)).json(), { issuer: ISSUER, clientId: 'app', scope });
});

test('the API asks for a token', async () => {
  for (const path of ['/api/reports', '/api/me']) {
    const answer = await fetch(`${origin}${path}`);
    assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer']);
  }
});

test('it ends on SIGTERM, though a browser has a connection that it does not use', { timeout: 10_000 }, async () => {
  const { hostname, port } = new URL(origin);
  const connection = connect(Number(port), hostname);
  await once(connection, 'connect');
  program.kill('SIGTERM');
  assert.deepEqual(await once(program, 'exit'), [0, null]);
  connection.destroy();
});
