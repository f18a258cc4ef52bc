/** The client's hard part: a token that expires under many requests, and a refresh that does not go well. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';

import { type Provider, SignInNeeded, type Tokens } from '../src/provider.js';
import { Session } from '../src/session.js';
import type { Browser, Page } from './browser.js';
import type { Fate } from './issuer.js';
import { Program } from './program.js';

let program: Program;
let browser: Browser;

beforeEach(async () => {
  program = await Program.start();
  browser = await program.withExpiredToken();
});
afterEach(() => program.stop());

const reports = () => browser.get('/reports');

/** Twenty at once, each of which has been refused by the API before the refresh is answered. */
async function twenty(): Promise<Page[]> {
  const release = program.issuer.hold();
  const pages = Promise.all(Array.from({ length: 20 }, reports));
  await program.refusals(20);
  release();
  return pages;
}

const isSignedIn = async () => (await browser.get('/')).text.includes('Signed in as');

test('twenty that wait are one refresh, and each is answered', async () => {
  const pages = await twenty();
  assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]));
  assert.ok(pages.every(({ text }) => text.includes('the reports of ada')));
  assert.deepEqual(program.issuer.refreshes, ['refresh 0']);
});

test('the pair that came is the one that is used next', async () => {
  program.issuer.areExpired = true;
  await reports();
  program.issuer.areExpired = false;
  // The first was refused although it was new: that leaves sign-in alone.
  assert.equal(await isSignedIn(), false);
  browser = await program.withExpiredToken();
  assert.equal((await reports()).status, 200);
  assert.deepEqual(program.issuer.refreshes, ['refresh 0', 'refresh 1']);
});

for (const fate of ['lost', 'cut short', 503] satisfies Fate[]) {
  test(`a refresh whose answer does not come (${fate}) is tried again with the same token`, async () => {
    program.issuer.fates.push(fate);
    assert.deepEqual(new Set((await twenty()).map(({ status }) => status)), new Set([200]));
    assert.deepEqual(program.issuer.refreshes, ['refresh 0', 'refresh 0']);
  });
}

test('but once only: then a page says so, and the session stays for later', async () => {
  program.issuer.fates.push('lost', 503);
  assert.deepEqual(new Set((await twenty()).map(({ status }) => status)), new Set([503]));
  assert.deepEqual(program.issuer.refreshes, ['refresh 0', 'refresh 0']);
  assert.equal((await reports()).status, 200);
  assert.equal(program.issuer.refreshes.at(-1), 'refresh 0');
});

test('a refresh that is refused leaves sign-in alone', async () => {
  program.issuer.fates.push('invalid_grant');
  const pages = await twenty();
  assert.ok(pages.every(({ status, location }) => status === 303 && location === '/login'));
  assert.deepEqual(program.issuer.refreshes, ['refresh 0']);
  assert.equal(await isSignedIn(), false);
});

const session = (renew: () => Promise<Tokens>) =>
  new Session({ renew } as unknown as Provider, 'Ada', { access: 'old', refresh: 'old', id: undefined });

test('who hears late that the token was refused does not renew what is new already', async (t) => {
  let renewals = 0;
  const ada = session(async () => ({ access: 'new', refresh: 'new', id: String((renewals += 1)) }));
  const held: (() => void)[] = [];
  const api = createServer((request, response) => {
    const answer = () => response.writeHead(request.headers.authorization === 'Bearer new' ? 200 : 401).end();
    if (request.url === '/late') held.push(answer);
    else answer();
  }).listen(0, '127.0.0.1');
  t.after(() => {
    api.close();
    api.closeAllConnections();
  });
  await once(api, 'listening');
  const origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const late = ada.ask(`${origin}/late`);
  await once(api, 'request');
  assert.equal((await ada.ask(origin)).status, 200);
  held.shift()?.();
  await once(api, 'request');
  held.shift()?.();
  assert.equal((await late).status, 200);
  assert.equal(renewals, 1);
});

test('who comes late to a refresh that was refused asks for no other', async () => {
  let asked = 0;
  const ada = session(() => Promise.reject(new SignInNeeded(String((asked += 1)))));
  await assert.rejects(ada.ask(`${program.origin}/api/me`), SignInNeeded);
  await assert.rejects(ada.ask(`${program.origin}/api/me`), SignInNeeded);
  assert.equal(asked, 1);
});

test('a client that is refused says 503, and signs nobody out', async () => {
  program.issuer.fates.push('invalid_client');
  assert.equal((await reports()).status, 503);
  assert.deepEqual(program.issuer.refreshes, ['refresh 0']);
  assert.equal(await isSignedIn(), true);
});

test('a new token that the API refuses, too, is renewed no more', async () => {
  program.issuer.claims = { aud: 'https://elsewhere.example' };
  const { status, location } = await reports();
  assert.deepEqual([status, location], [303, '/login']);
  assert.deepEqual(program.issuer.refreshes, ['refresh 0']);
  assert.equal(await isSignedIn(), false);
});

test('403 of the API is a page, and nothing is refreshed for it', async () => {
  program.issuer.scope = 'openid';
  await program.signIn(browser);
  assert.equal((await reports()).status, 403);
  assert.deepEqual(program.issuer.refreshes, []);
  assert.equal(await isSignedIn(), true);
});

test('while the issuer is away the pages say 503, and then go on', async () => {
  await program.issuer.stop();
  assert.equal((await reports()).status, 503);
  assert.equal((await browser.get('/')).status, 200);
  await program.issuer.start();
  // The guard follows it again within a moment.
  for (let tries = 0; (await reports()).status !== 200; tries += 1) assert.ok(tries < 10_000);
  assert.deepEqual(program.issuer.refreshes, ['refresh 0']);
});
