/** The program itself. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('it starts though no issuer is there, and ends on SIGTERM', { timeout: 20_000 }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const env = { ...process.env, ISSUER: 'http://127.0.0.1:1/t/acme', LISTEN: `127.0.0.1:${port}` };
  const file = fileURLToPath(new URL('../src/main.js', import.meta.url));
  const program = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => program.kill('SIGKILL'));
  await once(program.stdout, 'data');
  assert.equal((await fetch(`http://127.0.0.1:${port}/login`)).status, 503);
  // A browser has connections that it does not use.
  const connection = connect(port, '127.0.0.1');
  await once(connection, 'connect');
  program.kill('SIGTERM');
  assert.deepEqual(await once(program, 'exit'), [0, null]);
  connection.destroy();
});
