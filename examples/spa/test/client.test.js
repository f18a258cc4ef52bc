/** The client: sign-in, and a token that expires under many requests. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { Client, SignInFailed, SignInNeeded, Unavailable } from './client.js';
import { Stub } from './stub.js';

/** @type {Stub} */
let stub;
/** @type {InstanceType<typeof Client>} */
let client;
/** @type {Map<string, string>} */
let kept;

beforeEach(async () => {
  stub = new Stub();
  await stub.start();
  kept = new Map();
  client = await newClient();
});
afterEach(() => stub.stop());

async function newClient() {
  const store = {
    getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => void kept.set(name, value),
    removeItem: (/** @type {string} */ name) => void kept.delete(name),
  };
  const settings = { issuer: stub.issuer, clientId: 'app', scope: 'openid reports.read', origin: stub.origin };
  return new Client(settings, store);
}

/** Begins a sign-in; the answer is what the browser would come back with. */
async function begin() {
  stub.asked = (await client.signInUrl()).searchParams;
  stub.nonce = stub.asked.get('nonce') ?? '';
  return new URLSearchParams({ code: 'code', state: stub.asked.get('state') ?? '', iss: stub.issuer });
}

const signIn = async () => client.finishSignIn(await begin());
const ask = () => client.ask('/api/reports');

/** Twenty at once, each of which has been refused by the API before the refresh is answered. */
function twenty() {
  stub.holdUntilRefused(20);
  return Promise.allSettled(Array.from({ length: 20 }, ask));
}

/** @param {PromiseSettledResult<{ status: number }>[]} answers */
const statuses = (answers) =>
  new Set(answers.map((it) => (it.status === 'fulfilled' ? it.value.status : it.reason.constructor)));

test('a sign-in with PKCE, state and nonce; what it kept is gone then, and no token was kept', async () => {
  const query = await begin();
  assert.equal(stub.asked.get('code_challenge_method'), 'S256');
  assert.equal(stub.asked.get('redirect_uri'), `${stub.origin}/callback`);
  assert.deepEqual(Object.keys(JSON.parse(kept.get('sign-in') ?? '')), ['state', 'nonce', 'verifier']);
  await client.finishSignIn(query);
  assert.equal(client.name, 'Ada Lovelace');
  assert.equal(kept.size, 0);
  assert.deepEqual(await ask(), { status: 200, text: 'to Bearer access 0' });
  await assert.rejects(client.finishSignIn(query), SignInFailed);
});

test('an answer with another state, issuer or nonce, or with an error, signs nobody in', async () => {
  const issuers = [{ iss: 'https://elsewhere.example' }, { iss: '' }];
  for (const change of [...issuers, { state: 'another' }, { error: 'access_denied' }]) {
    const query = new URLSearchParams({ ...Object.fromEntries(await begin()), ...change });
    await assert.rejects(client.finishSignIn(query), SignInFailed, JSON.stringify(change));
  }
  const query = await begin();
  stub.nonce = 'another';
  await assert.rejects(client.finishSignIn(query), SignInFailed);
  assert.equal(client.name, undefined);
  await assert.rejects(ask(), SignInNeeded);
});

test('a sign-in while the issuer is away says so, and works once it is there', async () => {
  await stub.stop();
  await assert.rejects(client.signInUrl(), Unavailable);
  await stub.start();
  await signIn();
  assert.equal(client.name, 'Ada Lovelace');
});

test('twenty that wait are one refresh, and each is sent once more', async () => {
  await signIn();
  stub.expire();
  assert.deepEqual(statuses(await twenty()), new Set([200]));
  assert.deepEqual(stub.refreshes, ['refresh 0']);
  stub.expire();
  assert.equal((await ask()).text, 'to Bearer access 2');
  assert.deepEqual(stub.refreshes, ['refresh 0', 'refresh 1']);
});

for (const fate of /** @type {const} */ (['lost', 'cut short', 503])) {
  test(`a refresh whose answer does not come (${fate}) is tried again with the same token`, async () => {
    await signIn();
    stub.expire();
    stub.fates.push(fate);
    assert.deepEqual(statuses(await twenty()), new Set([200]));
    assert.deepEqual(stub.refreshes, ['refresh 0', 'refresh 0']);
  });
}

test('but once only: then all who wait hear of it, and the pair stays for later', async () => {
  await signIn();
  stub.expire();
  stub.fates.push('lost', 503);
  assert.deepEqual(statuses(await twenty()), new Set([Unavailable]));
  assert.deepEqual(stub.refreshes, ['refresh 0', 'refresh 0']);
  assert.equal((await ask()).status, 200);
});

test('a refresh that is refused leaves sign-in alone', async () => {
  await signIn();
  stub.expire();
  stub.fates.push('invalid_grant');
  assert.deepEqual(statuses(await twenty()), new Set([SignInNeeded]));
  assert.equal(client.name, undefined);
  await assert.rejects(ask(), SignInNeeded);
  assert.deepEqual(stub.refreshes, ['refresh 0']);
});

test('a client that is refused signs nobody out', async () => {
  await signIn();
  stub.expire();
  stub.fates.push('invalid_client');
  await assert.rejects(ask(), Unavailable);
  assert.deepEqual(stub.refreshes, ['refresh 0']);
  assert.equal(client.name, 'Ada Lovelace');
});

test('who hears late that the token was refused does not renew what is new already', async () => {
  await signIn();
  stub.expire();
  // The answer to the first comes after the second has renewed.
  const { fetch } = globalThis;
  globalThis.fetch = async (...args) => {
    globalThis.fetch = fetch;
    const answer = await fetch(...args);
    await ask();
    return answer;
  };
  assert.equal((await ask()).status, 200);
  assert.deepEqual(stub.refreshes, ['refresh 0']);
});

test('a new token that the API refuses, too, is renewed no more', async () => {
  await signIn();
  stub.good = 'never';
  await assert.rejects(ask(), SignInNeeded);
  assert.deepEqual(stub.refreshes, ['refresh 0']);
  assert.equal(client.name, undefined);
});

test('403 of the API is its caller’s, and nothing is refreshed for it', async () => {
  await signIn();
  stub.status = 403;
  assert.equal((await ask()).status, 403);
  assert.deepEqual(stub.refreshes, []);
  assert.equal(client.name, 'Ada Lovelace');
});

test('who signs out is gone at once, also for a refresh that is under way', async () => {
  await signIn();
  stub.expire();
  stub.holdUntilRefused(2);
  const asked = ask();
  while (stub.refreshes.length === 0) await new Promise(setImmediate);
  const url = client.signOutUrl();
  assert.equal(client.name, undefined);
  const { pathname, searchParams } = await url;
  assert.equal(pathname, '/t/acme/logout');
  assert.equal(searchParams.get('id_token_hint')?.split('.').length, 3);
  assert.equal(searchParams.get('post_logout_redirect_uri'), `${stub.origin}/`);
  await fetch(`${stub.origin}/api/reports`);
  await assert.rejects(asked, SignInNeeded);
  assert.equal(client.name, undefined);
});
