/** What a person meets at the browser edition, with an API that the test plays. */

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';

import express from 'express';

import { createBrowserEdition } from '../browser/app.js';

/** What the API answers to each route: status and headers. */
let answers: Record<string, [status: number, headers?: Record<string, string>]>;
let asked: string[];
const servers: Server[] = [];
let address: string;

async function listen(app: express.Express): Promise<string> {
  const server = createServer(app);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

before(async () => {
  const api = express().use((request, response) => {
    asked.push(`${request.method} ${request.path}`);
    const [status, headers] = answers[request.path] ?? [200];
    response.status(status).set(headers ?? {});
    if (request.path === '/reports') response.send('the reports of <ada>');
    else response.json({ access_token: 'secret access', refresh_token: 'secret refresh', name: 'Ada <b>' });
  });
  address = await listen(createBrowserEdition(await listen(api)));
});
after(() => {
  for (const server of servers) server.close().closeAllConnections();
});
beforeEach(() => {
  answers = {};
  asked = [];
});

const get = (path: string, cookie = '') => fetch(address + path, { redirect: 'manual', headers: { cookie } });
const post = (path: string, headers: Record<string, string> = {}) =>
  fetch(address + path, {
    method: 'POST',
    redirect: 'manual',
    headers,
    body: new URLSearchParams({ username: 'ada"', password: 'p' }),
  });

async function signIn(cookie = ''): Promise<string> {
  const answer = await post('/login', { cookie, origin: address });
  assert.equal(answer.status, 303);
  const [set = '', another] = answer.headers.getSetCookie();
  assert.equal(another, undefined);
  assert.match(set, /^session=[\w-]{43}; .*Path=\/; .*HttpOnly; SameSite=Lax$/);
  return set.split(';')[0] ?? '';
}

test('the browser gets a cookie, and no token; the id is new at each sign-in', async () => {
  const cookie = await signIn('session=' + 'a'.repeat(43));
  assert.ok(!cookie.includes('aaa'));
  const home = await (await get('/', cookie)).text();
  assert.match(home, /Signed in as Ada &lt;b&gt;/);
  assert.match(await (await get('/reports', cookie)).text(), /the reports of &lt;ada&gt;/);
  assert.ok(!home.includes('secret'));
  const next = await signIn(cookie);
  assert.notEqual(next, cookie);
  assert.match(await (await get('/', cookie)).text(), /href="\/login"/);
  assert.ok(asked.includes('POST /auth/logout'), 'the session before was not ended');
});

test('a wrong password brings the form again, with what was typed but the password', async () => {
  answers['/auth/login'] = [401];
  const answer = await post('/login');
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.headers.getSetCookie(), []);
  const text = await answer.text();
  assert.match(text, /role="alert">The user name or the password is wrong/);
  assert.match(text, /value="ada&quot;"/);
});

for (const status of [429, 401]) {
  test(`too many tries (${status} of the API) are told so, and until when`, async () => {
    answers['/auth/login'] = [status, { 'Retry-After': '27' }];
    const answer = await post('/login');
    assert.equal(answer.status, 429);
    assert.equal(answer.headers.get('retry-after'), '27');
    assert.match(await answer.text(), /too many tries. Try again in 27 seconds/);
  });
}

test('without a session, or where it has ended, reports lead to sign-in', async () => {
  assert.equal((await get('/reports')).headers.get('location'), '/login');
  answers['/reports'] = [401];
  // A refresh that is refused, or whose new token is.
  for (const status of [403, 200]) {
    const cookie = await signIn();
    answers['/auth/refresh'] = [status];
    const answer = await get('/reports', cookie);
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/login']);
    assert.match(await (await get('/', cookie)).text(), /href="\/login"/);
  }
});

test('a scope that lacks and an API that is away have pages of their own, and the session stays', async () => {
  const cookie = await signIn();
  for (const status of [403, 503]) {
    answers['/reports'] = [status];
    assert.equal((await get('/reports', cookie)).status, status);
  }
  answers['/auth/login'] = [503];
  assert.equal((await post('/login')).status, 503);
  assert.match(await (await get('/', cookie)).text(), /Signed in/);
});

test('a sign-out ends the session here and there, even where the API is away', async () => {
  for (const status of [204, 503]) {
    answers['/auth/logout'] = [status];
    const cookie = await signIn();
    assert.equal((await post('/logout', { cookie })).headers.get('location'), '/');
    assert.match(await (await get('/', cookie)).text(), /href="\/login"/);
  }
  assert.equal(asked.filter((it) => it === 'POST /auth/logout').length, 2);
});

test('forms of other sites are refused', async () => {
  const cookie = await signIn();
  for (const path of ['/login', '/logout']) {
    assert.equal((await post(path, { cookie, 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await post(path, { cookie, origin: 'http://evil.example' })).status, 403);
    assert.equal((await post(path, { cookie, origin: 'null' })).status, 403);
  }
  assert.match(await (await get('/', cookie)).text(), /Signed in/);
});

test('pages load nothing and stand in no frame', async () => {
  const policy = (await get('/login')).headers.get('content-security-policy') ?? '';
  assert.match(policy, /^default-src 'none'; form-action 'self'; frame-ancestors 'none'/);
});
