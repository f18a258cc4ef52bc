import type { Claims } from './claims.js';
import type { Clock } from './clock.js';
import type { Log } from './log.js';

const PRUNE_EACH_MS = 10_000;

/** The kinds of endings that are known. */
const KINDS = ['token', 'grant', 'session', 'key', 'user', 'client', 'tenant'] as const;

/** An event of the feed. */
export interface Event {
  readonly n: number;
  readonly kind: string;
  readonly id: string;
  /** When the last token that it speaks of has expired, in seconds since the Unix epoch. */
  readonly until: number;
}

interface Held {
  n: number;
  until: number;
}

/** What is known of a token's end; `behind`: it cannot be said, since nothing was heard for too long. */
export type Verdict = 'good' | 'ended' | 'behind';

/** Reads an event. @throws TypeError where it is none. */
export function readEvent(value: unknown): Event {
  const { n, kind, id, until } = (value ?? {}) as Record<keyof Event, unknown>;
  const isEvent =
    Number.isSafeInteger(n) && typeof kind === 'string' && typeof id === 'string' && Number.isSafeInteger(until);
  if (!isEvent) throw new TypeError('an event is not what it should be');
  return { n, kind, id, until } as Event;
}

/** What was ended at an issuer, as far as a token can still meet it. */
export class Endings {
  readonly #clock: Clock;
  readonly #log: Log;
  // Maps, since an object has names of its own, such as `constructor`.
  readonly #byKind = new Map<string, Map<string, Held>>(KINDS.map((kind) => [kind, new Map()]));
  #heardAt: number | undefined;
  #prunedAt = -Infinity;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Takes an event up. One of a kind that is not known says that this package is too old to know: it ends everything
   * that was made before, since it may speak of anything.
   */
  apply(event: Event): void {
    const known = this.#byKind.has(event.kind);
    if (!known) {
      this.#log.error(`an ending of a kind that is not known (${event.kind}): all before it is refused`);
    }
    const kind = known ? event.kind : 'tenant';
    const id = kind === 'tenant' ? '' : event.id;
    const held = this.#byKind.get(kind)?.get(id);
    this.#byKind.get(kind)?.set(id, {
      n: Math.max(event.n, held?.n ?? event.n),
      until: Math.max(event.until, held?.until ?? event.until),
    });
  }

  /** Notes that the issuer was heard: at this moment, on the monotonic clock, nothing else had ended. */
  heard(at: number): void {
    this.#heardAt = Math.max(at, this.#heardAt ?? at);
  }

  /** When the issuer was heard, on the monotonic clock. */
  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  /** Milliseconds since the issuer was heard. */
  get silentFor(): number | undefined {
    return this.#heardAt === undefined ? undefined : this.#clock.monotonic() - this.#heardAt;
  }

  /** How many endings are held. */
  get size(): number {
    return [...this.#byKind.values()].reduce((sum, byId) => sum + byId.size, 0);
  }

  /** Drops, now and then, what was over before this time (Unix seconds): no token can meet it any more. */
  prune(before: number): void {
    const now = this.#clock.monotonic();
    if (now - this.#prunedAt < PRUNE_EACH_MS) return;
    this.#prunedAt = now;
    for (const byId of this.#byKind.values()) {
      for (const [id, held] of byId) if (held.until < before) byId.delete(id);
    }
  }

  /** What is known of a token, which the key of this name has signed; nothing may be heard for so long (ms). */
  judge(claims: Claims, keyId: string | undefined, bound: number): Verdict {
    const held = (kind: string, id: string | undefined) =>
      id === undefined ? undefined : this.#byKind.get(kind)?.get(id);
    const isBefore = (kind: string, id: string | undefined) => claims.revision < (held(kind, id)?.n ?? -Infinity);
    const isEnded =
      held('session', claims.session) !== undefined ||
      held('grant', claims.grant) !== undefined ||
      held('token', claims.tokenId) !== undefined ||
      held('key', keyId) !== undefined ||
      isBefore('user', claims.subject) ||
      isBefore('client', claims.clientId) ||
      isBefore('tenant', '');
    if (isEnded) return 'ended';
    return (this.silentFor ?? Infinity) <= bound ? 'good' : 'behind';
  }
}
