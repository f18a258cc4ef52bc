/** Processes that share a pair by a Redis of the test's own. */

import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Redis } from 'ioredis';

import { createClient } from '../client/client.js';
import { REFRESH_MS } from '../client/refresh.js';
import { LOCK_MS, RedisStore } from '../client/redis-store.js';
import { StubApi } from './stub-api.js';

const children: ChildProcess[] = [];
let folder: string;
let url: string;
let redis: Redis;
let api: StubApi;
let baseURL: string;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

before(async () => {
  const port = await freePort();
  folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  children.push(spawn('redis-server', options, { stdio: 'ignore' }));
  url = `redis://127.0.0.1:${port}`;
  // It waits for its server; whether that comes, the first test says.
  redis = new Redis(url).on('error', () => undefined);
});
after(async () => {
  redis.disconnect();
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

beforeEach(async () => {
  api = new StubApi();
  baseURL = await api.start();
  await redis.flushall();
  await new RedisStore(redis, 'tokens').write(api.pair());
  api.expire();
});
afterEach(() => api.stop());

async function otherProcess(lockMs = LOCK_MS): Promise<ChildProcess> {
  const child = fork(new URL('other-process.js', import.meta.url), [url, baseURL, String(lockMs)]);
  children.push(child);
  assert.deepEqual((await once(child, 'message'))[0], 'ready');
  return child;
}

async function twenty(child: ChildProcess): Promise<unknown> {
  child.send('go');
  return (await once(child, 'message'))[0];
}

test('two processes with twenty requests each: one refresh', async () => {
  api.refreshMs = 300;
  const two = await Promise.all([otherProcess(), otherProcess()]);
  assert.deepEqual(await Promise.all(two.map(twenty)), [20, 20]);
  assert.deepEqual(api.refreshes, ['refresh 0']);
  assert.deepEqual(await new RedisStore(redis, 'tokens').read(), api.pair());
  assert.equal(await redis.exists('tokens:lock'), 0);
});

test('a refresh that is refused sends both to sign-in, and is asked for once', async () => {
  api.fates.push(403);
  const two = await Promise.all([otherProcess(), otherProcess()]);
  assert.deepEqual(await Promise.all(two.map(twenty)), ['sign in', 'sign in']);
  assert.deepEqual(api.refreshes, ['refresh 0']);
  assert.equal(await redis.exists('tokens'), 0);
});

test('one that dies while it refreshes holds the others up until its lock expires, and no longer', async () => {
  api.refreshMs = 400;
  const dying = await otherProcess(1_000);
  dying.send('go');
  while (api.refreshes.length === 0) await pause(10);
  dying.kill('SIGKILL');
  const began = performance.now();
  const { http } = createClient({ baseURL, store: new RedisStore(redis, 'tokens', 1_000), onSignIn: assert.fail });
  // The server has the dead one's refresh done: the same token is answered with the same pair.
  assert.equal((await http.get<string>('/reports')).data, 'answer to access 1');
  assert.ok(performance.now() - began > 500, 'it has not waited for the lock');
  assert.deepEqual(api.refreshes, ['refresh 0', 'refresh 0']);
});

test('a holder whose lock has expired releases no other’s, and puts no old pair over a newer one', async () => {
  const store = new RedisStore(redis, 'tokens', 50);
  const from = api.pair();
  await store.alone(async () => {
    await pause(100);
    await redis.set('tokens:lock', 'another');
    await store.write({ access: 'newer', refresh: 'newer' });
    await store.replace(from, { access: 'old', refresh: 'old' });
    await store.replace(from, undefined);
  });
  assert.equal(await redis.get('tokens:lock'), 'another');
  assert.deepEqual(await store.read(), { access: 'newer', refresh: 'newer' });
});

test('who waits for a lock that is never released gives up', async () => {
  await redis.set('tokens:lock', 'another');
  await assert.rejects(new RedisStore(redis, 'tokens', 50).alone(assert.fail), /for too long/);
});

test('a lock lasts longer than a refresh, and shorter than the grace of the server', () => {
  assert.ok(LOCK_MS > REFRESH_MS + 1_000 && LOCK_MS < 9_000);
});
