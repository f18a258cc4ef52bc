/** What is taken and refused of a token. */

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { Refusal } from 'portcullis-guard';

import { guardOf, issuer, outcome, signatures } from './guards.js';
import { Key, NOW } from './issuer.js';

const INVALID = '401 invalid_token';

test('a good token says whom it speaks for', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  const user = { sid: 's', acr: 'gold', auth_time: NOW - 60, amr: ['pwd'] };
  const principal = await guard.verify(acme.token({ ...user, scope: 'reports.read b', roles: ['admin'] }));
  assert.deepEqual([principal.issuer, principal.subject, principal.clientId], [acme.name, 'ada', 'app']);
  assert.deepEqual([principal.tenant, principal.session, principal.isClient], [undefined, 's', false]);
  assert.deepEqual([...principal.scope], ['reports.read', 'b']);
  assert.deepEqual([principal.acr, principal.amr, principal.authenticatedAt], ['gold', ['pwd'], NOW - 60]);
  assert.deepEqual(principal.claims['roles'], ['admin']);
  principal.require('b', 'reports.read');
  assert.throws(() => principal.require('b', 'c'), Refusal.insufficientScope(['b', 'c']));
  principal.requireAuthentication(['gold'], 60);
  assert.throws(
    () => principal.requireAuthentication(['diamond', 'gold'], 59),
    Refusal.insufficientUserAuthentication(['diamond', 'gold'], 59),
  );
});

test('nobody changes a principal for the others', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  const token = acme.token({ roles: ['reader'] });
  const principal = await guard.verify(token);
  assert.throws(() => (principal.claims['roles'] as string[]).push('admin'), TypeError);
  (principal.scope as Set<string>).add('reports.write');
  assert.equal((await guard.verify(token)).hasScope('reports.write'), false);
});

test('claims are of their types', async (t) => {
  const acme = await issuer(t);
  const { guard, log } = guardOf(t, acme);
  const wrong: Record<string, unknown>[] = [
    { sub: 7 }, { aud: { API: true } }, { aud: [7] }, { exp: '1' }, { nbf: '1' }, { scope: ['a'] }, { client_id: 1 },
    { jti: 1 }, { sid: [] }, { gid: 1 }, { acr: 1 }, { rev: 1.5 }, { rev: '1' }, { auth_time: '1' }, { amr: 'pwd' },
  ];
  for (const claims of wrong) {
    assert.equal(await outcome(guard.verify(acme.token(claims))), INVALID, JSON.stringify(claims));
    assert.match(log.lines.at(-1) ?? '', /^debug: .* wrong type$/);
  }
  assert.equal(await outcome(guard.verify(acme.token({ sid: null, nbf: null, acr: null }))), 'good');
});

test('a header is one, of this scheme, with one token', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  const token = acme.token();
  for (const [headers, wanted] of [
    [[`Bearer ${token}`], 'good'],
    [[`bEARER   ${token} `], 'good'],
    [[], '401'],
    [[''], '401'],
    [['Bearer'], '401'],
    [['Bearer '], '401'],
    [[`Basic ${token}`], '401'],
    [[token], '401'],
    [[`Bearer ${token} ${token}`], '400 invalid_request'],
    [[`Bearer ${token}`, `Bearer ${token}`], '400 invalid_request'],
  ] as const) {
    assert.equal(await outcome(guard.verifyHeader(headers)), wanted, headers.join(', ').slice(0, 40));
  }
});

test('a token has sixteen KiB at most', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  assert.equal(await outcome(guard.verify(acme.token({ padding: 'a'.repeat(11_000) }))), 'good');
  assert.equal(await outcome(guard.verify(acme.token({ padding: 'a'.repeat(12_000) }))), INVALID);
});

test('one that was verified costs no second signature, and is still looked at', async (t) => {
  const acme = await issuer(t);
  const { guard, clock } = guardOf(t, acme);
  const [token, early] = [acme.token(), acme.token({ nbf: NOW + 9 })];
  const counted = signatures(t);
  for (let times = 0; times < 5; times += 1) await guard.verify(token);
  assert.equal(counted(), 1);
  await guard.verify(early);
  clock.pass(909);
  await guard.verify(token);
  clock.pass(1);
  assert.equal(await outcome(guard.verify(token)), INVALID);
  assert.equal(counted(), 2);
});

test('ten thousand that were verified are held, and no more', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  const verify = mock.method(globalThis.crypto.subtle, 'verify', () => Promise.resolve(true));
  t.after(() => verify.mock.restore());
  const [head = '', , signature = ''] = acme.token().split('.');
  const claims = { iss: acme.name, sub: 'ada', aud: 'https://api.example', exp: NOW + 900 };
  const token = (jti: number) =>
    [head, Buffer.from(JSON.stringify({ ...claims, jti: `${jti}` })).toString('base64url'), signature].join('.');
  for (let jti = 0; jti <= 10_000; jti += 1) await guard.verify(token(jti));
  await guard.verify(token(1));
  assert.equal(verify.mock.callCount(), 10_001);
  await guard.verify(token(0));
  assert.equal(verify.mock.callCount(), 10_002);
});

test('a bound token is refused, unless its caller checks the binding', async (t) => {
  const acme = await issuer(t);
  const cnf = { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' };
  const token = acme.token({ cnf });
  assert.equal(await outcome(guardOf(t, acme).guard.verify(token)), INVALID);
  const { guard } = guardOf(t, acme, { boundTokens: 'caller-checks' });
  assert.deepEqual((await guard.verify(token)).confirmation, cnf);
});

test('a token of another kind or make is refused', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  const token = acme.token();
  const [head = '', body = ''] = token.split('.');
  const none = Buffer.from('{"alg":"none","typ":"at+jwt","kid":"one"}').toString('base64url');
  for (const bad of [
    acme.token({}, { typ: undefined }), acme.token({}, { typ: 'JWT' }), acme.token({}, { typ: ['at+jwt'] }),
    acme.token({}, { crit: ['exp'], exp: 1 }), acme.token({}, { crit: [] }), acme.token({}, { kid: 1 }),
    acme.token({}, { crit: ['b64'], b64: true }),
    acme.token({}, {}, new Key('one')), acme.token({}, { alg: 'ES384' }), acme.token({}, { kid: 'constructor' }),
    `${none}.${body}.`, `${head}.${body}`, `${head}.${body}.`, `${token}.e30`, '', 'a.b.c', '🔑',
  ]) {
    assert.equal(await outcome(guard.verify(bad)), INVALID, bad);
  }
  assert.equal(await outcome(guard.verify(acme.token({}, { typ: 'application/AT+JWT' }))), 'good');
  assert.equal(await outcome(guard.verify(acme.token({}, { kid: undefined }))), 'good');
});

test('why a token is refused is told to the log alone', async (t) => {
  const acme = await issuer(t);
  const { guard, log } = guardOf(t, acme);
  const refused = guard.verify(acme.token({ aud: 'https://elsewhere.example' }));
  await assert.rejects(refused, Refusal.invalidToken());
  assert.deepEqual(log.lines, ['debug: an access token is refused: another audience']);
});
