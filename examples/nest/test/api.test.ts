/** The API's routes, before an issuer that the test plays. */

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import type { NestExpressApplication } from '@nestjs/platform-express';

import { createApi } from '../src/api.js';
import { StubPortcullis } from './stub-portcullis.js';

const portcullis = new StubPortcullis();
let api: NestExpressApplication;
let address: string;

before(async () => {
  await portcullis.start();
  const { issuer } = portcullis;
  const audience = 'https://api.acme.example';
  api = await createApi({ issuer, audience, clientId: 'app', apiClientId: 'api', apiClientSecret: 'secret' });
  await api.listen(0, '127.0.0.1');
  address = await api.getUrl();
});
after(async () => {
  portcullis.stop();
  await api.close();
});
beforeEach(() => {
  portcullis.asked.length = 0;
  portcullis.answers.clear();
});

const ask = (method: string, path: string, headers: Record<string, string> = {}, body: string | null = null) =>
  fetch(address + path, { method, headers, body });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };
const pair = { access_token: 'a', refresh_token: 'r', token_type: 'Bearer', expires_in: 900, scope: 'openid' };

test('a sign-in is passed on for our client, whatever the body says of it, and its answer comes back', async () => {
  portcullis.answers.set('/auth/login', { status: 200, json: pair });
  const body = JSON.stringify({ username: 'ada', password: 'secret', client_id: 'another', sub: 'grace' });
  const headers = { ...json, 'x-forwarded-for': '203.0.113.7', 'user-agent': 'T' };
  const answer = await ask('POST', '/auth/login', headers, body);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.deepEqual(await answer.json(), pair);
  const [asked] = portcullis.asked;
  assert.deepEqual(asked?.json, { username: 'ada', password: 'secret', client_id: 'app' });
  // What came, and behind it from whom.
  assert.equal(asked?.headers['x-forwarded-for'], '203.0.113.7, 127.0.0.1');
  assert.equal(asked?.headers['user-agent'], 'T');
});

test('a refusal goes through as it is', async () => {
  const refusal = { error: 'invalid_grant', error_description: 'no' };
  const headers = { 'retry-after': '27', 'www-authenticate': 'Bearer realm="portcullis"' };
  portcullis.answers.set('/auth/login', { status: 401, headers, json: refusal });
  const answer = await ask('POST', '/auth/login', json, '{}');
  assert.equal(answer.status, 401);
  assert.equal(answer.headers.get('retry-after'), '27');
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="portcullis"');
  assert.deepEqual(await answer.json(), refusal);
});

test('the refresh token is the bearer of one route alone', async () => {
  portcullis.answers.set('/auth/refresh', { status: 200, json: pair });
  assert.deepEqual(await (await ask('POST', '/auth/refresh', bearer('prt_1'))).json(), pair);
  assert.equal(portcullis.asked[0]?.headers.authorization, 'Bearer prt_1');
  portcullis.answers.set('/auth/refresh', { status: 403, json: { error: 'invalid_grant' } });
  assert.equal((await ask('POST', '/auth/refresh', bearer('prt_1'))).status, 403);
  for (const [method, path] of [['GET', '/reports'], ['GET', '/auth/me'], ['POST', '/auth/logout']] as const) {
    assert.equal((await ask(method, path, bearer('prt_1'))).status, 401);
  }
  assert.equal(portcullis.asked.length, 2);
});

test('a refresh without a refresh token asks nobody', async () => {
  for (const authorization of [undefined, 'Basic YTpi', 'Bearer', 'Bearer a b']) {
    const answer = await ask('POST', '/auth/refresh', authorization === undefined ? {} : { authorization });
    assert.equal(answer.status, 403);
    assert.equal(((await answer.json()) as { error: string }).error, 'invalid_grant');
  }
  assert.deepEqual(portcullis.asked, []);
});

test('who one is and signing out go by the access token', async () => {
  const token = portcullis.token();
  portcullis.answers.set('/auth/me', { status: 200, json: { sub: 'ada', name: 'Ada' } });
  portcullis.answers.set('/auth/logout', { status: 204 });
  assert.deepEqual(await (await ask('GET', '/auth/me', bearer(token))).json(), { sub: 'ada', name: 'Ada' });
  assert.equal((await ask('POST', '/auth/logout', bearer(token))).status, 204);
  assert.deepEqual(portcullis.asked.map((it) => it.headers.authorization), [`Bearer ${token}`, `Bearer ${token}`]);
});

test('reports are those of the token’s user, and need their scope', async () => {
  const answer = await ask('GET', '/reports?sub=grace', bearer(portcullis.token()));
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), 'the reports of ada');
  assert.equal((await ask('GET', '/reports')).status, 401);
  const refused = await ask('GET', '/reports', bearer(portcullis.token('openid')));
  assert.equal(refused.status, 403);
  assert.match(refused.headers.get('www-authenticate') ?? '', /insufficient_scope/);
});

// The last: it stays away.
test('while Portcullis is away it is 503', async () => {
  portcullis.stop();
  const answer = await ask('POST', '/auth/refresh', bearer('prt_1'));
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('retry-after'), '1');
  assert.equal(((await answer.json()) as { error: string }).error, 'temporarily_unavailable');
});
