import type { Clock } from './clock.js';
import type { Http } from './http.js';
import { type Key, usable } from './jwk.js';
import { type Log, wording } from './log.js';
import { maxAge, type Metadata, MOST_BYTES, NoIssuer, readMetadata } from './metadata.js';

/** How long keys are held where their answer says nothing, at least, and at most, in seconds. */
const USUAL = 300;
const LEAST = 10;
const MOST = 24 * 3600;

/** How long a `kid` that is not known does not cause another fetch. Anybody can make one up. */
const UNKNOWN_EACH_MS = 60_000;

/** How soon a fetch that failed is tried again: where there are no keys yet, and where there are. */
const AGAIN_WITHOUT_MS = 1_000;
const AGAIN_MS = 10_000;

/** Why there is no key: `unknown`, the issuer has said so; `away`, it has not answered. */
export type NoKey = 'unknown' | 'away';

/** What keys are read with. */
export interface Means {
  readonly http: Http;
  readonly clock: Clock;
  readonly log: Log;
}

/** The keys of an issuer: held, fetched ahead of time, one fetch at a time. */
export class Keys {
  readonly #issuer: string;
  readonly #means: Means;
  #keys: readonly Key[] = [];
  #metadata: Metadata | undefined;
  /** Why the last fetch brought nothing, where it did not. */
  #failed: NoKey | undefined;
  /** The fetch that is under way. */
  #fetching: Promise<void> | undefined;
  /** When they are to be fetched anew, and when the last fetch ended; by the monotonic clock, as all moments here. */
  #due = Infinity;
  #triedAt = -Infinity;
  /** When somebody last had them fetched by a `kid` that was not known. */
  #askedAt = -Infinity;

  constructor(issuer: string, means: Means) {
    this.#issuer = issuer;
    this.#means = means;
  }

  /** Has them fetched for the first time; why that brought nothing. */
  async begin(): Promise<NoKey | undefined> {
    await this.#fetchOnce();
    return this.#failed;
  }

  /** The key of this `kid`; of a token that names none, the only one. */
  async find(id: string | undefined): Promise<Key | NoKey> {
    const key = this.#held(id);
    if (key !== undefined) {
      // Ahead of time, and nobody waits for it.
      if (this.#due <= this.#means.clock.monotonic()) void this.#fetchOnce();
      return key;
    }
    if (this.#fetching !== undefined) {
      await this.#fetching;
    } else if (this.#mayAsk()) {
      // The first time is nobody's asking for more than there was.
      const isMore = this.#metadata !== undefined;
      await this.#fetchOnce();
      if (isMore) this.#askedAt = this.#triedAt;
    }
    const isAway = this.#failed !== undefined || this.#metadata === undefined;
    return this.#held(id) ?? (isAway ? 'away' : 'unknown');
  }

  /** Whether a key that has verified a token is still the issuer's. */
  has(key: Key): boolean {
    return this.#keys.includes(key);
  }

  /** The issuer's metadata, as it was read last. */
  async metadata(): Promise<Metadata | undefined> {
    if (this.#metadata === undefined && (this.#fetching !== undefined || this.#mayAsk())) await this.#fetchOnce();
    return this.#metadata;
  }

  #held(id: string | undefined): Key | undefined {
    if (id !== undefined) return this.#keys.find((key) => key.id === id);
    return this.#keys.length === 1 ? this.#keys[0] : undefined;
  }

  /** Whether a `kid` that is not known may have them fetched. */
  #mayAsk(): boolean {
    const now = this.#means.clock.monotonic();
    if (this.#metadata === undefined) return now - this.#triedAt >= AGAIN_WITHOUT_MS;
    if (this.#failed !== undefined) return now - this.#triedAt >= AGAIN_MS;
    return now - this.#askedAt >= UNKNOWN_EACH_MS;
  }

  /** Fetches them, or waits for the fetch that is under way. It never fails, and is done though its caller may go. */
  #fetchOnce(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    const { http, clock, log } = this.#means;
    try {
      const metadata = await readMetadata(http, this.#issuer);
      const { value, headers } = await http.json(metadata.jwksUri, MOST_BYTES);
      this.#keys = this.#read(value);
      this.#metadata = metadata;
      this.#failed = undefined;
      const heldFor = Math.min(Math.max(maxAge(headers) ?? USUAL, LEAST), MOST);
      this.#due = clock.monotonic() + (heldFor * 1000 * 4) / 5;
    } catch (why) {
      if (!http.closing.aborted) log.warn(`${this.#issuer}: the keys cannot be read, the last stay: ${wording(why)}`);
      this.#failed = why instanceof NoIssuer ? 'unknown' : 'away';
      this.#due = clock.monotonic() + AGAIN_MS;
    }
    this.#triedAt = clock.monotonic();
  }

  #read(set: unknown): Key[] {
    const { keys } = (set ?? {}) as { keys?: unknown };
    if (!Array.isArray(keys)) throw new TypeError('the key set has no keys');
    return keys.flatMap((jwk) => {
      // One of a kind that is not known here is somebody else's, and no reason to refuse the others.
      const key = usable(jwk);
      if (key === undefined) return [];
      // One that is unchanged stays the same: tokens that it has verified stay good.
      return [this.#keys.find((known) => known.mark === key.mark) ?? key];
    });
  }
}
