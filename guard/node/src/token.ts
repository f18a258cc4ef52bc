import { compactVerify, decodeJwt, decodeProtectedHeader } from 'jose';

import { type Claims, readClaims } from './claims.js';
import type { Issuer, Issuers } from './issuers.js';
import type { Key } from './jwk.js';
import { wording } from './log.js';
import { Principal } from './principal.js';
import { Refusal } from './refusal.js';
import type { Settings } from './settings.js';

/** No token is longer, in bytes. */
const LONGEST = 16 * 1024;

/** A token that was verified. */
export interface Seen {
  readonly claims: Claims;
  readonly principal: Principal;
  readonly issuer: Issuer;
  readonly key: Key;
}

/** Verifies tokens: what does not change while their keys are the issuer's. */
export class Verifier {
  readonly #settings: Settings;
  readonly #issuers: Issuers;

  constructor(settings: Settings, issuers: Issuers) {
    this.#settings = settings;
    this.#issuers = issuers;
  }

  /** @throws {@link Refusal} */
  async verify(token: string): Promise<Seen> {
    const { clock, takesBound, audience } = this.#settings;
    const { kid, named } = this.#unverified(token);
    const issuer = await this.#issuers.find(named);
    if (issuer === 'unknown') throw this.refused('another issuer');
    if (issuer === 'away') throw this.unavailable("a tenant's issuer cannot be reached");
    const key = await issuer.keys.find(kid);
    if (key === 'unknown') throw this.refused('unknown kid');
    if (key === 'away') throw this.unavailable(`${issuer.name}: the keys cannot be had`);
    const claims = await this.#verified(token, key);
    if (claims.issuer !== issuer.name) throw this.refused('another issuer');
    if (!claims.audience.includes(audience)) throw this.refused('another audience');
    // Whoever has stolen a bound token could use it here, where nobody looks for the proof (RFC 9449, RFC 8705).
    if (claims.confirmation !== undefined && !takesBound) throw this.refused('it is bound');
    return { claims, principal: new Principal(claims, issuer.tenant, clock), issuer, key };
  }

  /** What a token says of its own kind, key and issuer, before anything of it is believed. */
  #unverified(token: string): { kid: string | undefined; named: string } {
    if (Buffer.byteLength(token) > LONGEST) throw this.refused('too long');
    const { header, claims } = this.#decoded(token);
    // Nothing is understood that a header could call critical (RFC 7515 §4.1.11).
    if ('crit' in header) throw this.refused('crit');
    // An ID token is a JWT of the same issuer and key (RFC 9068 §4).
    const { typ, kid } = header as Record<string, unknown>;
    const isAccessToken = typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);
    if (!isAccessToken) throw this.refused('no access token by its typ');
    if (kid !== undefined && typeof kid !== 'string') throw this.refused('kid is no text');
    const named: unknown = claims.iss;
    if (typeof named !== 'string') throw this.refused('iss is no text');
    return { kid, named };
  }

  #decoded(token: string) {
    try {
      return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
    } catch (why) {
      throw this.refused(wording(why));
    }
  }

  /** The algorithms are those of the key, whatever the token says (RFC 8725 §3.1). */
  async #verified(token: string, key: Key): Promise<Claims> {
    try {
      await compactVerify(token, key.verifies, { algorithms: [...key.algorithms] });
      return readClaims(decodeJwt(token));
    } catch (why) {
      throw this.refused(wording(why));
    }
  }

  /** A refusal whose cause is told to nobody but the log. */
  refused(why: string): Refusal {
    this.#settings.log.debug(`an access token is refused: ${why}`);
    return Refusal.invalidToken();
  }

  /** It cannot be said whether a token is good. Who is away is warned of where it is asked, not at each request. */
  unavailable(why: string): Refusal {
    this.#settings.log.debug(`it cannot be said whether an access token is good: ${why}`);
    return Refusal.unavailable();
  }
}
