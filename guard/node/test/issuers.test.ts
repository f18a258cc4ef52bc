/** Whose tokens are taken. */

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';

import { Guard, type GuardOptions } from 'portcullis-guard';

import { guardOf, issuer, outcome } from './guards.js';
import { API, turn, until } from './issuer.js';

const INVALID = '401 invalid_token';

test('an issuer is of https, or of this machine', () => {
  for (const issuers of [
    'https://id.example/t/acme',
    'https://{tenant}.id.example',
    'http://127.0.0.1:8000/t/{tenant}',
    'http://localhost',
    ['http://[::1]:1', 'https://id.example'],
  ]) {
    new Guard({ audience: API, issuers }).close();
  }
  for (const issuers of [
    'http://id.example', 'http://127.0.0.1.id.example', 'http://127.0.0.1@id.example', 'http://localhost.example',
    'http://{tenant}', 'ftp://localhost', 'id.example', '', [], ['https://id.example', 'http://id.example'],
    'https://id.example/{tenant}/{tenant}',
  ]) {
    assert.throws(() => new Guard({ audience: API, issuers }), TypeError, String(issuers));
  }
});

test('a guard is not made of what is impossible', () => {
  const feed = { clientId: 'api', clientSecret: 'secret' };
  const wrong: Partial<Record<keyof GuardOptions, unknown>>[] = [
    { audience: '' },
    { leeway: -1 },
    { boundTokens: 'take' },
    { feed: { ...feed, polling: 5 } },
    { feed: { ...feed, polling: 0 } },
    { feed: { ...feed, bound: 0 } },
    { feed: { ...feed, whenBehind: 'whatever' } },
    { feed: { clientId: 'api' } },
  ];
  for (const options of wrong) {
    const all = { audience: API, issuers: 'https://id.example', ...options } as GuardOptions;
    assert.throws(() => new Guard(all), TypeError, JSON.stringify(options));
  }
});

test('metadata of an issuer of https leads to https alone', async (t) => {
  const acme = await issuer(t);
  const { guard, log } = guardOf(t, acme, { issuers: 'https://id.example' });
  const fetched = t.mock.method(globalThis, 'fetch', () =>
    Promise.resolve(Response.json({ issuer: 'https://id.example', jwks_uri: `${acme.name}/jwks` })),
  );
  assert.equal(await outcome(guard.verify(acme.token({ iss: 'https://id.example' }))), '503');
  assert.match(log.lines[0] ?? '', /jwks_uri is no address of https/);
  assert.equal(fetched.mock.callCount(), 1);
});

test('of a pattern a tenant is one name, and one that is not there is asked for once a minute', async (t) => {
  const acme = await issuer(t);
  const { guard, clock } = guardOf(t, acme, { issuers: `${acme.base}/{tenant}` });
  assert.equal((await guard.verify(acme.token())).tenant, 'acme');
  const before = acme.asked.length;
  for (const path of ['', 'a/b', '..', 'a%2Fb', 'a?b', 'a.b', 'x'.repeat(64), 'acme/', 'acme\n']) {
    assert.equal(await outcome(guard.verify(acme.token({ iss: `${acme.base}/${path}` }))), INVALID, path);
  }
  assert.equal(acme.asked.length, before);
  const nobody = () => outcome(guard.verify(acme.token({ iss: `${acme.base}/nobody` })));
  assert.deepEqual(await Promise.all([nobody(), nobody(), nobody()]), [INVALID, INVALID, INVALID]);
  clock.pass(59);
  assert.equal(await nobody(), INVALID);
  assert.equal(acme.asked.length, before + 2);
  clock.pass(2);
  assert.equal(await nobody(), INVALID);
  assert.equal(acme.asked.length, before + 4);
});

test('a tenant that is away is not one that is not there', async (t) => {
  const acme = await issuer(t);
  const { guard, clock } = guardOf(t, acme, { issuers: `${acme.base}/{tenant}` });
  const metadata = acme.answers.get('/.well-known/openid-configuration')!;
  acme.answers.set('/.well-known/openid-configuration', (_, response) => response.writeHead(502).end());
  assert.equal(await outcome(guard.verify(acme.token())), '503');
  acme.answers.set('/.well-known/openid-configuration', metadata);
  assert.equal(await outcome(guard.verify(acme.token())), '503');
  clock.pass(2);
  assert.equal(await outcome(guard.verify(acme.token())), 'good');
});

test('sixteen tenants are asked for at once', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme, { issuers: `${acme.base}/acme/{tenant}` });
  const hanging: ServerResponse[] = [];
  const names = Array.from({ length: 20 }, (_, at) => `${acme.name}/t${at}`);
  names.forEach((_, at) => {
    acme.answers.set(`/t${at}/.well-known/openid-configuration`, (_, response) => void hanging.push(response));
  });
  const asked = names.map((iss) => outcome(guard.verify(acme.token({ iss }))));
  await until(() => hanging.length === 16);
  await turn(20);
  assert.equal(hanging.length, 16);
  hanging.forEach((response) => response.writeHead(404).end());
  await until(() => hanging.length === 20);
  hanging.slice(16).forEach((response) => response.writeHead(404).end());
  assert.deepEqual([...new Set(await Promise.all(asked))], [INVALID]);
});
