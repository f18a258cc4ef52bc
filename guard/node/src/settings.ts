import { type Clock, systemClock } from './clock.js';
import { Http } from './http.js';
import { consoleLog, type Log } from './log.js';

/** What stands for a tenant in a pattern of issuers. */
export const TENANT = '{tenant}';

/**
 * What to do with a good token while nothing was heard from the issuer for longer than the bound:
 * - `refuse` it, with 503: whoever was signed out stays out;
 * - `ask-introspection`: ask the issuer about it (RFC 7662), and refuse it with 503 where that cannot be had either;
 * - `go-on`: let it pass until it expires, and count it.
 */
export type WhenBehind = 'refuse' | 'ask-introspection' | 'go-on';

const WHEN_BEHIND: readonly WhenBehind[] = ['refuse', 'ask-introspection', 'go-on'];

/** How an issuer's endings are followed, by a client that may have scope `revocations` by `client_credentials`. */
export interface FeedOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Seconds for which nothing may be heard until the guard counts as behind; 5 where it is not said. */
  readonly bound?: number;
  /** What becomes of good tokens meanwhile; `refuse` where it is not said. */
  readonly whenBehind?: WhenBehind;
  /** Asks for a page each so many seconds, where a proxy in between holds streams back. Less than the bound. */
  readonly polling?: number;
}

/** What a guard is made of. */
export interface GuardOptions {
  /** The API that tokens name as `aud`. */
  readonly audience: string;
  /**
   * Whose tokens are taken; names are compared to the letter. One with `{tenant}` in it, such as
   * `https://id.example/t/{tenant}`, stands for every issuer of that pattern: each has its own keys, and one's never
   * verify another's tokens.
   */
  readonly issuers: string | readonly string[];
  /** Hears of what is ended. Without it tokens are good until they expire, and any issuer of RFC 9068 will do. */
  readonly feed?: FeedOptions;
  /** Seconds by which clocks may differ; 10 where it is not said. */
  readonly leeway?: number;
  /**
   * Tokens that are bound to a key or a certificate (`cnf`) are refused, unless it is said here that the API checks
   * the binding itself, by `principal.confirmation`.
   */
  readonly boundTokens?: 'refuse' | 'caller-checks';
  /** Where causes are told; the console where it is not said. */
  readonly log?: Log;
  /** Another clock, for tests. */
  readonly clock?: Clock;
}

/** How endings are followed; times in milliseconds. */
export interface Feed {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly bound: number;
  readonly whenBehind: WhenBehind;
  readonly polling: number | undefined;
}

/** What everything in a guard is made with. */
export interface Settings {
  readonly audience: string;
  readonly names: readonly string[];
  readonly patterns: readonly string[];
  readonly feed: Feed | undefined;
  /** In seconds. */
  readonly leeway: number;
  readonly takesBound: boolean;
  readonly log: Log;
  readonly clock: Clock;
  readonly http: Http;
}

/** Settles what is not said. @throws TypeError where a guard cannot be made so. */
export function settle(options: GuardOptions): Settings {
  const { audience, leeway = 10, boundTokens = 'refuse', log = consoleLog, clock = systemClock } = options;
  const issuers = [options.issuers].flat();
  demand(typeof audience === 'string' && audience !== '', 'a guard needs an audience');
  demand(issuers.length > 0, 'a guard needs an issuer');
  demand(leeway >= 0 && leeway < Infinity, 'the leeway is a number of seconds');
  demand(boundTokens === 'refuse' || boundTokens === 'caller-checks', 'bound tokens: refuse, or caller-checks');
  for (const issuer of issuers) {
    demand(typeof issuer === 'string' && isClosed(issuer), `${issuer} is no address of https`);
    demand(issuer.split(TENANT).length <= 2, `${issuer} is no pattern of issuers: it needs one ${TENANT}`);
  }
  return {
    audience,
    names: issuers.filter((issuer) => !issuer.includes(TENANT)),
    patterns: issuers.filter((issuer) => issuer.includes(TENANT)),
    feed: options.feed && settleFeed(options.feed),
    leeway,
    takesBound: boundTokens === 'caller-checks',
    log,
    clock,
    http: new Http(),
  };
}

function settleFeed({ clientId, clientSecret, bound = 5, whenBehind = 'refuse', polling }: FeedOptions): Feed {
  demand(typeof clientId === 'string' && typeof clientSecret === 'string', 'the feed needs a client and its secret');
  demand(bound > 0 && bound < Infinity, 'the bound is a number of seconds');
  demand(WHEN_BEHIND.includes(whenBehind), `when behind: one of ${WHEN_BEHIND.join(', ')}`);
  const isOften = polling === undefined || (polling > 0 && polling < bound);
  demand(isOften, 'the feed is to be asked more often than its bound, and with a pause');
  return { clientId, clientSecret, bound: bound * 1000, whenBehind, polling: polling && polling * 1000 };
}

function demand(is: boolean, text: string): void {
  if (!is) throw new TypeError(text);
}

/** Whether nobody in between can answer for it: https, or this very machine. */
function isClosed(issuer: string): boolean {
  const address = issuer.replaceAll(TENANT, 'tenant');
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}
