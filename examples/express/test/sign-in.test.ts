/** Sign-in and sign-out, and what may go wrong on the way. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { Kept } from '../src/kept.js';
import type { Browser } from './browser.js';
import { Program } from './program.js';

let program: Program;
let browser: Browser;

beforeEach(async () => {
  program = await Program.start();
  browser = program.browser();
});
afterEach(() => program.stop());

const isSignedIn = async () => (await browser.get('/')).text.includes('Signed in as');

test('it asks with PKCE, state and nonce, and keeps them to itself', async () => {
  const { status, location } = await browser.get('/login');
  const asked = new URL(location).searchParams;
  assert.equal(status, 303);
  assert.equal(asked.get('code_challenge_method'), 'S256');
  assert.equal(asked.get('redirect_uri'), `${program.origin}/callback`);
  assert.equal(asked.get('scope'), 'openid profile email offline_access reports.read');
  for (const name of ['state', 'nonce', 'code_challenge']) assert.ok((asked.get(name) ?? '').length >= 43, name);
});

test('who comes back is signed in under a new id, and the name is text', async () => {
  program.issuer.name = '<b>Ada</b> & "co"';
  assert.equal((await program.signIn(browser)).location, '/');
  const first = browser.cookies.get('session');
  assert.match(browser.set.join(), /^session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  assert.match((await browser.get('/')).text, /Signed in as &lt;b&gt;Ada&lt;\/b&gt; &amp; &quot;co&quot;/);
  await program.signIn(browser);
  assert.notEqual(browser.cookies.get('session'), first);
  browser.cookies.set('session', first ?? '');
  assert.equal(await isSignedIn(), false);
});

test('two tabs can sign in at once, and neither twice', async () => {
  const one = await program.beginSignIn(browser);
  const nonce = program.issuer.nonce;
  const other = await program.beginSignIn(browser);
  assert.equal((await browser.get(other.callback)).status, 303);
  program.issuer.nonce = nonce;
  assert.equal((await browser.get(one.callback)).status, 303);
  const again = await browser.get(one.callback);
  assert.equal(again.status, 400);
  assert.match(again.text, /<a href="\/">/);
  assert.equal(await isSignedIn(), true);
});

test('an answer that is none of this browser’s signs nobody in', async () => {
  const another = program.browser();
  const { callback } = await program.beginSignIn(another);
  await browser.get('/login');
  assert.equal((await browser.get(callback)).status, 400);
  const strange = ['', '?code=code', '?code=code&state=strange', '?state=a&state=b', '?error=access_denied', '?%'];
  for (const query of strange) {
    assert.equal((await browser.get(`/callback${query}`)).status, 400, query);
  }
  assert.equal(await isSignedIn(), false);
});

test('an answer of another issuer, with an error, or with another nonce is a page', async () => {
  const { issuer } = program;
  const changed = [
    { iss: 'https://elsewhere.example' },
    { iss: '' },
    { error: 'access_denied', iss: issuer.address },
    { error: '<script>', iss: issuer.address },
  ];
  for (const change of changed) {
    const { state } = await program.beginSignIn(browser);
    const page = await browser.get(`/callback?${new URLSearchParams({ code: 'code', state, ...change })}`);
    assert.equal(page.status, 400, JSON.stringify(change));
    assert.doesNotMatch(page.text, /script|elsewhere/);
  }
  const { callback } = await program.beginSignIn(browser);
  issuer.nonce = 'another';
  assert.equal((await browser.get(callback)).status, 400);
  assert.equal(await isSignedIn(), false);
});

test('a sign-in while the issuer is away is a page, and works once it is there', async () => {
  await program.issuer.stop();
  assert.equal((await browser.get('/login')).status, 503);
  await program.issuer.start();
  const { callback } = await program.beginSignIn(browser);
  await program.issuer.stop();
  assert.equal((await browser.get(callback)).status, 503);
  await program.issuer.start();
  assert.equal((await program.signIn(browser)).status, 303);
});

test('sign-out ends the session here and leads to where it ends at the issuer', async () => {
  await program.signIn(browser);
  const kept = new Map(browser.cookies);
  const { status, location } = await browser.post('/logout');
  const { pathname, searchParams } = new URL(location);
  assert.deepEqual([status, pathname], [303, '/t/acme/logout']);
  assert.equal(searchParams.get('post_logout_redirect_uri'), `${program.origin}/`);
  assert.equal(searchParams.get('id_token_hint')?.split('.').length, 3);
  assert.equal(browser.cookies.has('session'), false);
  for (const [name, value] of kept) browser.cookies.set(name, value);
  assert.equal(await isSignedIn(), false);
  assert.equal((await browser.post('/logout')).location, '/');
});

test('another site signs nobody out', async () => {
  await program.signIn(browser);
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'null' }]) {
    assert.equal((await browser.post('/logout', headers)).status, 403);
  }
  assert.equal(await isSignedIn(), true);
  assert.equal((await browser.post('/logout', { origin: program.origin })).status, 303);
});

test('pages take no script and no frame, and their forms lead here and to the issuer', async () => {
  for (const path of ['/', '/nowhere', '/callback']) {
    const { headers } = await browser.get(path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; style-src 'self'; form-action 'self' http:\/\/127\.0\.0\.1:\d+; /);
    assert.equal(headers.get('cache-control'), 'no-store');
  }
  assert.equal((await browser.get('/style.css')).status, 200);
  assert.equal((await browser.get('/nowhere')).status, 404);
  assert.equal((await browser.get('/%')).status, 404);
});

test('the API has its own answers', async () => {
  const answer = await browser.get('/api/me');
  assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer']);
});

test('no more is kept than may be, and nothing for longer', () => {
  let now = 0;
  const kept = new Kept<string>(2, 10, () => now);
  for (const id of ['one', 'two', 'three']) kept.put(id, id);
  assert.deepEqual([kept.find('one'), kept.find('two'), kept.find('three')], [undefined, 'two', 'three']);
  now = 10;
  assert.equal(kept.find('three'), undefined);
});
