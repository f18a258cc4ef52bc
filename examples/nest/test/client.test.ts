/** The client's hard part: a token that expires under many requests, and a refresh that does not go well. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { isAxiosError } from 'axios';

import { type Client, createClient, SignInNeeded } from '../client/client.js';
import { MemoryStore } from '../client/store.js';
import { StubApi } from './stub-api.js';

let api: StubApi;
let store: MemoryStore;
let client: Client;
let signIns: number;

beforeEach(async () => {
  api = new StubApi();
  store = new MemoryStore();
  signIns = 0;
  client = createClient({ baseURL: await api.start(), store, onSignIn: () => (signIns += 1) });
  await store.write(api.pair());
});
afterEach(() => api.stop());

const get = async (path = '/reports') => (await client.http.get<string>(path)).data;

/** All twenty wait for the refresh: it is not answered before. */
async function twenty() {
  Object.assign(api, { refreshAfter: 20, refreshMs: 150 });
  return Promise.allSettled(Array.from({ length: 20 }, () => get()));
}

const withStatus = (status: number) => (why: unknown) => isAxiosError(why) && why.response?.status === status;

test('the access token goes with each request', async () => {
  assert.equal(await get(), 'answer to access 0');
  assert.deepEqual(api.refreshes, []);
});

test('twenty that wait are one refresh, and each is sent once more', async () => {
  api.expire();
  const answers = await twenty();
  assert.ok(answers.every((it) => it.status === 'fulfilled' && it.value === 'answer to access 1'));
  assert.deepEqual(api.refreshes, ['refresh 0']);
  assert.equal(api.asked.length, 40);
  assert.deepEqual(await store.read(), { access: 'access 1', refresh: 'refresh 1' });
  api.expire();
  assert.equal(await get(), 'answer to access 2');
  assert.deepEqual(api.refreshes, ['refresh 0', 'refresh 1']);
});

test('two clients of one sign-in are one refresh', async () => {
  api.expire();
  const another = createClient({ baseURL: client.http.defaults.baseURL ?? '', store, onSignIn: assert.fail });
  await Promise.all([get(), get(), another.http.get('/reports'), another.http.get('/reports')]);
  assert.deepEqual(api.refreshes, ['refresh 0']);
});

test('one that hears late of its 401 does not refresh what is new already', async () => {
  const late = client.http.get<string>('/reports', {
    // It has gone with the first token, and the pair is another when its answer comes.
    transformRequest: () => {
      api.expire();
      void store.write({ access: 'access of another', refresh: 'refresh of another' });
      api.good = 'access of another';
      return undefined;
    },
  });
  assert.equal((await late).data, 'answer to access of another');
  assert.deepEqual(api.refreshes, []);
});

test('what was sent is sent again as it was', async () => {
  api.expire();
  await client.http.post('/reports', { title: 'Of "May"' });
  const body = JSON.stringify({ title: 'Of "May"' });
  assert.deepEqual(api.asked, [`POST /reports ${body} 401`, `POST /reports ${body} 200`]);
});

for (const fate of ['lost', 'cut short', 503] as const) {
  test(`a refresh whose answer does not come (${fate}) is tried again with the same token`, async () => {
    api.expire();
    api.fates.push(fate);
    assert.equal(await get(), 'answer to access 1');
    assert.deepEqual(api.refreshes, ['refresh 0', 'refresh 0']);
  });
}

test('but once only: then all who wait hear of it, and the pair stays for later', async () => {
  api.expire();
  api.fates.push('lost', 503);
  const answers = await twenty();
  assert.ok(answers.every((it) => it.status === 'rejected' && withStatus(503)(it.reason)));
  assert.deepEqual(api.refreshes, ['refresh 0', 'refresh 0']);
  assert.equal(signIns, 0);
  assert.equal(await get(), 'answer to access 1');
});

test('a refresh that is refused leaves sign-in alone', async () => {
  api.expire();
  api.fates.push(403);
  const answers = await twenty();
  assert.ok(answers.every((it) => it.status === 'rejected' && it.reason instanceof SignInNeeded));
  assert.deepEqual(api.refreshes, ['refresh 0']);
  assert.equal(signIns, 1);
  assert.equal(await store.read(), undefined);
  await assert.rejects(get(), SignInNeeded);
  assert.deepEqual(api.refreshes, ['refresh 0']);
});

test('who hears late that only sign-in is left does not call for it again', async () => {
  api.expire();
  api.fates.push(403);
  const { read } = store;
  await assert.rejects(get(), SignInNeeded);
  // This one has gone with the pair of before.
  store.read = async () => api.pair();
  const late = client.http.get('/reports', {
    transformRequest: () => {
      store.read = read;
      return undefined;
    },
  });
  await assert.rejects(late, SignInNeeded);
  assert.equal(signIns, 1);
});

test('403 of an ordinary route is its caller’s', async () => {
  await assert.rejects(get('/forbidden'), withStatus(403));
  assert.deepEqual(api.refreshes, []);
  assert.deepEqual(await store.read(), api.pair());
});

test('a new token that is refused, too, is refreshed no more', async () => {
  api.expire();
  // Whichever it is.
  Object.defineProperty(api, 'good', { get: () => 'none', set: () => undefined });
  await assert.rejects(get(), withStatus(401));
  assert.deepEqual(api.refreshes, ['refresh 0']);
  assert.equal(api.asked.length, 2);
});

test('a sign-out is not undone by a refresh that comes back after it', async () => {
  api.expire();
  api.refreshMs = 100;
  const waiting = get().catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(api.refreshes, ['refresh 0']);
  await store.write(undefined);
  await waiting;
  assert.equal(await store.read(), undefined);
});

test('the token goes to nobody else', async () => {
  const other = new StubApi();
  const address = await other.start();
  await get(`${address}/reports`);
  other.stop();
  assert.deepEqual(other.asked, []);
});
