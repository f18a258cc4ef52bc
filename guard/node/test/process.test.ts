/** A process ends once its guard is closed. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

import { Feed } from './feed.js';
import { issuer } from './guards.js';
import { API } from './issuer.js';

const PROGRAM = `
  import { Guard } from 'portcullis-guard';
  const { token, ...options } = JSON.parse(process.argv[1]);
  const guard = new Guard(options);
  const isHeard = () => guard.verify(token).then(() => true, () => false);
  while (!(await isHeard())) await new Promise((resolve) => setTimeout(resolve, 5));
  guard.close();
`;

for (const manner of [{}, { polling: 4 }]) {
  const name = `neither timers nor sockets of a guard that is closed keep a process: ${JSON.stringify(manner)}`;
  test(name, { timeout: 3_500 }, async (t) => {
    const acme = await issuer(t);
    const feed = { ...new Feed(acme).options, ...manner };
    const token = acme.token({ exp: 4_102_444_800 });
    const given = JSON.stringify({ issuers: acme.name, audience: API, feed, token });
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, '--', given], { stdio: 'pipe' });
    t.after(() => child.kill());
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
}
