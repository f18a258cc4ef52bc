/** How an issuer's keys are held and fetched. */

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';

import { guardOf, issuer, outcome, signatures } from './guards.js';
import { json, Key, until } from './issuer.js';

const INVALID = '401 invalid_token';

for (const [cacheControl, seconds] of [
  ['public, max-age=100', 80],
  ['max-age=1', 8],
  ['no-store', 8],
  ['max-age=999999999', 69_120],
  ['public', 240],
] as const) {
  test(`keys are fetched ahead of their time: ${cacheControl}`, async (t) => {
    const acme = await issuer(t);
    acme.cacheControl = cacheControl;
    const { guard, clock } = guardOf(t, acme);
    const verify = () => guard.verify(acme.token({ exp: 4_102_444_800 }));
    await verify();
    clock.pass(seconds - 1);
    await verify();
    await verify();
    assert.equal(acme.fetches, 1);
    clock.pass(1);
    await verify();
    await until(() => acme.fetches === 2);
  });
}

test('a fetch that hangs keeps nobody waiting whose key is there', async (t) => {
  const acme = await issuer(t);
  acme.cacheControl = 'no-store';
  const { guard, clock } = guardOf(t, acme);
  await guard.verify(acme.token());
  assert.equal(await outcome(guard.verify(acme.token({}, { kid: 'two' }))), INVALID);
  let hanging: ServerResponse | undefined;
  acme.answers.set('/jwks', (_, response) => (hanging = response));
  clock.pass(8);
  for (let times = 0; times < 20; times += 1) await guard.verify(acme.token());
  await until(() => hanging !== undefined);
  await guard.verify(acme.token());
  // Whose key is not there waits for the fetch that is under way, and has no other made.
  const two = new Key('two');
  const waiting = guard.verify(acme.token({}, { kid: 'two' }, two));
  json(hanging!, { keys: [acme.key.jwk, two.jwk] });
  await waiting;
  assert.equal(acme.fetches, 3);
});

test('many who come first fetch the keys once', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  await Promise.all(Array.from({ length: 50 }, () => guard.verify(acme.token())));
  assert.deepEqual(acme.asked, ['/acme/.well-known/openid-configuration', '/acme/jwks']);
});

test('a kid that nobody knows asks once a minute', async (t) => {
  const acme = await issuer(t);
  const { guard, clock } = guardOf(t, acme);
  await guard.verify(acme.token());
  const unknown = (at: number) => outcome(guard.verify(acme.token({}, { kid: `k${at}` }, new Key('k'))));
  const flood = async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, at) => unknown(at)));
    assert.deepEqual([...new Set(outcomes)], [INVALID]);
  };
  await flood();
  await flood();
  assert.equal(acme.fetches, 2);
  clock.pass(59);
  await flood();
  assert.equal(acme.fetches, 2);
  clock.pass(1);
  const two = new Key('two');
  acme.keys = [two.jwk];
  assert.equal(await outcome(guard.verify(acme.token({}, { kid: 'two' }, two))), 'good');
  assert.equal(acme.fetches, 3);
});

test('while the issuer is away its last keys stay, and it is asked again after ten seconds', async (t) => {
  const acme = await issuer(t);
  const { guard, clock } = guardOf(t, acme);
  await guard.verify(acme.token());
  const metadata = acme.answers.get('/.well-known/openid-configuration')!;
  const two = new Key('two');
  const unknown = () => outcome(guard.verify(acme.token({}, { kid: 'two' }, two)));
  acme.answers.set('/.well-known/openid-configuration', (_, response) => response.writeHead(500).end());
  assert.equal(await unknown(), '503');
  await guard.verify(acme.token());
  acme.keys = [acme.key.jwk, two.jwk];
  acme.answers.set('/.well-known/openid-configuration', metadata);
  clock.pass(9);
  assert.equal(await unknown(), '503');
  clock.pass(1);
  assert.equal(await unknown(), 'good');
});

test('before the issuer has answered it is asked each second, and nobody is told that a token is bad', async (t) => {
  const acme = await issuer(t);
  const { guard, clock } = guardOf(t, acme);
  const jwks = acme.answers.get('/jwks')!;
  acme.answers.set('/jwks', (_, response) => response.writeHead(404).end());
  const asked = async () => [await outcome(guard.verify(acme.token())), acme.fetches];
  assert.deepEqual(await asked(), ['503', 1]);
  assert.deepEqual(await asked(), ['503', 1]);
  clock.pass(1);
  acme.answers.set('/jwks', jwks);
  assert.deepEqual(await asked(), ['good', 2]);
});

test('a key that is unchanged stays, and one that is gone or another verifies nothing', async (t) => {
  const acme = await issuer(t);
  const { guard, clock } = guardOf(t, acme);
  const token = acme.token();
  await guard.verify(token);
  const again = async (keys: unknown[]) => {
    acme.keys = keys;
    clock.pass(61);
    const kid = `k${clock.now()}`;
    assert.equal(await outcome(guard.verify(acme.token({}, { kid }, new Key(kid)))), INVALID);
    return outcome(guard.verify(token));
  };
  const counted = signatures(t);
  assert.equal(await again([{ ...acme.key.jwk, x5t: 'something else' }]), 'good');
  assert.equal(counted(), 0);
  assert.equal(await again([new Key('one').jwk]), INVALID);
  assert.equal(await again([{ ...acme.key.jwk, alg: undefined }]), 'good');
  assert.equal(await again([{ ...acme.key.jwk, use: 'enc' }]), INVALID);
});

test('metadata may be at the other address, and is read up to a size', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme, { issuers: acme.base });
  const metadata = { issuer: acme.base, jwks_uri: `${acme.name}/jwks` };
  assert.equal(await outcome(guard.verify(acme.token({ iss: acme.base }))), '503');
  assert.deepEqual(acme.asked, ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']);
  const { guard: large } = guardOf(t, acme);
  acme.answers.set('/.well-known/openid-configuration', (_, response) => {
    json(response, { ...acme.metadata(), padding: ' '.repeat(600_000) });
  });
  assert.equal(await outcome(large.verify(acme.token())), '503');
  const { guard: another } = guardOf(t, acme);
  acme.answers.set('/.well-known/openid-configuration', (_, response) => json(response, metadata));
  assert.equal(await outcome(another.verify(acme.token())), '503');
});

test('a redirect is not followed', async (t) => {
  const acme = await issuer(t);
  const { guard } = guardOf(t, acme);
  acme.answers.set('/elsewhere', (_, response) => json(response, acme.metadata()));
  acme.answers.set('/.well-known/openid-configuration', (_, response) => {
    response.writeHead(302, { location: `${acme.name}/elsewhere` }).end();
  });
  assert.equal(await outcome(guard.verify(acme.token())), '503');
  assert.deepEqual(acme.asked, ['/acme/.well-known/openid-configuration']);
});
