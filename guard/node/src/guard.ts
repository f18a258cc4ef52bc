import { LRUCache } from 'lru-cache';

import { Client } from './client.js';
import { Issuers } from './issuers.js';
import { wording } from './log.js';
import type { Principal } from './principal.js';
import { Refusal } from './refusal.js';
import { type GuardOptions, type Settings, settle } from './settings.js';
import { type Seen, Verifier } from './token.js';

/** Tokens that were seen to be good and are not verified again. */
const MOST_SEEN = 10_000;

/** What a guard has counted since it was made, for metrics. */
export interface Figures {
  /** Good tokens that were refused since they were ended. */
  readonly ended: number;
  /** Good tokens that were refused since the guard was behind. */
  readonly refusedBehind: number;
  /** Good tokens that the issuer was asked about since the guard was behind. */
  readonly askedBehind: number;
  /** Good tokens that passed though the guard was behind. */
  readonly passedBehind: number;
  /** Endings that are held. */
  readonly endings: number;
  /**
   * Milliseconds since that issuer was heard which was silent for longest; null where one was never heard, or none is
   * followed.
   */
  readonly silentForMs: number | null;
}

/** Checks access tokens (RFC 9068, RFC 6750). It is made once, and follows its issuers' endings until it is closed. */
export class Guard {
  readonly #settings: Settings;
  readonly #issuers: Issuers;
  readonly #verifier: Verifier;
  readonly #client: Client | undefined;
  readonly #seen = new LRUCache<string, Seen>({ max: MOST_SEEN });
  readonly #counted = { ended: 0, refusedBehind: 0, askedBehind: 0, passedBehind: 0 };

  /** @throws TypeError where a guard cannot be made so. */
  constructor(options: GuardOptions) {
    this.#settings = settle(options);
    const { http, feed } = this.#settings;
    this.#issuers = new Issuers(this.#settings);
    this.#verifier = new Verifier(this.#settings, this.#issuers);
    this.#client = feed && new Client(http, feed);
  }

  /**
   * Whom a request with these `Authorization` headers speaks for (RFC 6750 §2.1).
   *
   * @param headers The value of each such header that the request has.
   * @throws {@link Refusal}
   */
  async verifyHeader(headers: readonly string[]): Promise<Principal> {
    const [header = '', another] = headers;
    if (another !== undefined) throw Refusal.invalidRequest();
    const [scheme = '', token, more] = header.trim().split(/ +/);
    if (scheme.toLowerCase() !== 'bearer' || token === undefined) throw Refusal.noToken();
    if (more !== undefined) throw Refusal.invalidRequest();
    return this.verify(token);
  }

  /**
   * Whom a token speaks for.
   *
   * @throws {@link Refusal} `invalid_token`; 503 where it cannot be said.
   */
  async verify(token: string): Promise<Principal> {
    let seen = this.#seen.get(token);
    // Where its key is gone, it is looked at as if it were new: another of that name may be there.
    if (seen === undefined || !seen.issuer.keys.has(seen.key)) {
      seen = await this.#verifier.verify(token);
      this.#seen.set(token, seen);
    }
    await this.#decide(seen, token);
    return seen.principal;
  }

  /** What was counted since the guard was made. */
  figures(): Figures {
    const endings = this.#issuers.all().map((issuer) => issuer.endings);
    const longest = Math.max(...endings.map((it) => it.silentFor ?? Infinity));
    return {
      ...this.#counted,
      endings: endings.reduce((sum, it) => sum + it.size, 0),
      silentForMs: Number.isFinite(longest) ? Math.round(longest) : null,
    };
  }

  /** Ends its following. Tokens are refused with 503 from then on, as soon as what it knows is too old. */
  close(): void {
    this.#settings.http.close();
  }

  /** What changes: the time, and what was ended. */
  async #decide(seen: Seen, token: string): Promise<void> {
    const { claims, issuer, key } = seen;
    const { clock, leeway, feed } = this.#settings;
    const now = clock.now();
    if (now >= claims.expires + leeway) throw this.#verifier.refused('expired');
    if ((claims.notBefore ?? -Infinity) > now + leeway) throw this.#verifier.refused('not yet');
    if (feed === undefined) return;
    const verdict = issuer.endings.judge(claims, key.id, feed.bound);
    if (verdict === 'ended') {
      this.#counted.ended += 1;
      throw this.#verifier.refused('ended');
    }
    if (verdict === 'behind') await this.#decideBehind(seen, token);
  }

  async #decideBehind({ issuer }: Seen, token: string): Promise<void> {
    switch (this.#settings.feed?.whenBehind) {
      case 'go-on':
        this.#counted.passedBehind += 1;
        return;
      case 'ask-introspection':
        this.#counted.askedBehind += 1;
        if (!(await this.#ask(issuer, token))) throw this.#verifier.refused('the issuer says that it does not count');
        return;
      default:
        this.#counted.refusedBehind += 1;
        throw this.#verifier.unavailable(`${issuer.name}: nothing was heard for too long`);
    }
  }

  async #ask(issuer: Seen['issuer'], token: string): Promise<boolean | undefined> {
    try {
      return await this.#client?.introspect(issuer, token);
    } catch (why) {
      throw this.#verifier.unavailable(`${issuer.name}: it cannot be asked about a token: ${wording(why)}`);
    }
  }
}
