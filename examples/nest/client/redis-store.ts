/** Keeps a pair in Redis, for processes that share a sign-in. */

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { REFRESH_MS } from './refresh.js';
import type { Pair, Store } from './store.js';

/**
 * How long a lock lasts whose holder has died. Longer than what is done under it may take, a refresh and the words with
 * Redis around it (`commandTimeout`), so that nobody else gets it meanwhile; and shorter than the server's grace of
 * 10 s, so that the next one who comes still gets the pair that the dead one was answered.
 */
export const LOCK_MS = REFRESH_MS + 2_800;

/** As long as refresh tokens live (`refresh_token_ttl`): what is older is dead in any case. */
const KEEP_MS = 7 * 24 * 3600 * 1000;

/** Compare and delete: a lock that has expired may be another's by now. */
const RELEASE = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  return redis.call('DEL', KEYS[1])`;

/** Compare and set; without a new value, compare and delete. */
const REPLACE = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1`;

// The order of the names is what the scripts compare by.
const written = ({ access, refresh }: Pair) => JSON.stringify({ access, refresh });

/**
 * Whoever reads this Redis has the tokens: it is for nobody else, behind a password and TLS (`rediss://`). A Redis of
 * several nodes may lose a lock in a failover: then two refresh with the same token, and the server's grace answers
 * both with the same pair.
 */
export class RedisStore implements Store {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #lockKey: string;
  readonly #lockMs: number;

  /**
   * @param redis Made with a `commandTimeout`, of a second, say: else requests wait for a Redis that is away.
   * @param key Names the sign-in, such as `tokens:{session}`.
   */
  constructor(redis: Redis, key: string, lockMs = LOCK_MS) {
    this.#redis = redis;
    this.#key = key;
    this.#lockKey = `${key}:lock`;
    this.#lockMs = lockMs;
  }

  async read(): Promise<Pair | undefined> {
    const text = await this.#redis.get(this.#key);
    return text === null ? undefined : (JSON.parse(text) as Pair);
  }

  async write(pair: Pair | undefined): Promise<void> {
    if (pair === undefined) await this.#redis.del(this.#key);
    else await this.#redis.set(this.#key, written(pair), 'PX', KEEP_MS);
  }

  async replace(from: Pair, to: Pair | undefined): Promise<void> {
    const next = to === undefined ? '' : written(to);
    await this.#redis.eval(REPLACE, 1, this.#key, written(from), next, KEEP_MS);
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    const holder = randomUUID();
    await this.#lock(holder);
    try {
      return await work();
    } finally {
      // Where it cannot be released, it expires; what was done is done.
      await this.#redis.eval(RELEASE, 1, this.#lockKey, holder).catch(() => undefined);
    }
  }

  async #lock(holder: string): Promise<void> {
    const giveUp = performance.now() + 3 * this.#lockMs;
    while ((await this.#redis.set(this.#lockKey, holder, 'PX', this.#lockMs, 'NX')) === null) {
      if (performance.now() > giveUp) throw new Error('others have held the lock of a pair of tokens for too long');
      await pause(20 + 30 * Math.random());
    }
  }
}
