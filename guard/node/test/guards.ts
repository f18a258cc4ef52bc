/** Guards and issuers that end with the test that made them. */

import { mock, type TestContext } from 'node:test';

import { Guard, type GuardOptions, Refusal } from 'portcullis-guard';

import { API, Issuer, KeptLog, SetClock } from './issuer.js';

/** An issuer that plays its part in a test. */
export async function issuer(t: TestContext): Promise<Issuer> {
  const issuer = await Issuer.start();
  t.after(() => issuer.close());
  return issuer;
}

/** A guard of this issuer, its clock and its log. */
export function guardOf(t: TestContext, issuer: Issuer, options: Partial<GuardOptions> = {}) {
  const [clock, log] = [new SetClock(), new KeptLog()];
  const guard = new Guard({ audience: API, issuers: issuer.name, clock, log, ...options });
  t.after(() => guard.close());
  return { guard, clock, log };
}

/** Counts the signatures that are verified meanwhile. */
export function signatures(t: TestContext): () => number {
  const verify = mock.method(globalThis.crypto.subtle, 'verify');
  t.after(() => verify.mock.restore());
  return () => verify.mock.callCount();
}

/** What a refusal is, for comparison: its status and code. */
export async function outcome(verified: Promise<unknown>): Promise<string> {
  try {
    await verified;
    return 'good';
  } catch (why) {
    if (!(why instanceof Refusal)) throw why;
    return [why.status, why.code].join(' ').trimEnd();
  }
}
