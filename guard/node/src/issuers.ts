import { LRUCache } from 'lru-cache';

import { Endings } from './endings.js';
import { Follower } from './feed.js';
import { Keys, type NoKey } from './keys.js';
import { TENANT, type Settings } from './settings.js';
import { Turns } from './turns.js';

/** Tenants of a pattern that are held. Each was seen to answer. */
const MOST_TENANTS = 10_000;

/** Names that answered nothing are not asked for again for so long, as many as these. */
const UNKNOWN_FOR_MS = 60_000;
const AWAY_FOR_MS = 1_000;
const MOST_UNKNOWN = 10_000;

/** Tenants that are asked for at once, since anybody can make up a name; and how long one waits for its turn. */
const ASKED_AT_ONCE = 16;
const TURN_WITHIN_MS = 2_000;

/** One issuer. */
export class Issuer {
  readonly name: string;
  readonly tenant: string | undefined;
  readonly keys: Keys;
  readonly endings: Endings;

  constructor(name: string, tenant: string | undefined, settings: Settings) {
    this.name = name;
    this.tenant = tenant;
    this.keys = new Keys(name, settings);
    this.endings = new Endings(settings.clock, settings.log);
  }
}

/** The issuers whose tokens are taken: those that are named, and those of a pattern. */
export class Issuers {
  readonly #settings: Settings;
  readonly #named = new Map<string, Issuer>();
  readonly #tenants = new Map<string, Issuer>();
  readonly #none: LRUCache<string, NoKey>;
  readonly #asking = new Map<string, Promise<Issuer | NoKey>>();
  readonly #turns = new Turns(ASKED_AT_ONCE);

  constructor(settings: Settings) {
    this.#settings = settings;
    const perf = { now: () => settings.clock.monotonic() };
    this.#none = new LRUCache({ max: MOST_UNKNOWN, ttl: UNKNOWN_FOR_MS, ttlResolution: 0, perf });
    for (const name of settings.names) this.#keep(this.#named, new Issuer(name, undefined, settings));
  }

  /** The issuer of this name, where its tokens are taken. */
  find(name: string): Issuer | Promise<Issuer | NoKey> | NoKey {
    const held = this.#named.get(name) ?? this.#tenants.get(name);
    if (held !== undefined) return held;
    const tenant = this.#settings.patterns.map((pattern) => tenantIn(pattern, name)).find((it) => it !== undefined);
    if (tenant === undefined) return 'unknown';
    const none = this.#none.get(name);
    if (none !== undefined) return none;
    const asking = this.#asking.get(name) ?? this.#ask(name, tenant).finally(() => this.#asking.delete(name));
    this.#asking.set(name, asking);
    return asking;
  }

  /** Every issuer that is held. */
  all(): Issuer[] {
    return [...this.#named.values(), ...this.#tenants.values()];
  }

  /** Asks a tenant's issuer for its keys, and keeps it where it has answered. */
  async #ask(name: string, tenant: string): Promise<Issuer | NoKey> {
    if (!(await this.#turns.take(TURN_WITHIN_MS))) return 'away';
    const issuer = new Issuer(name, tenant, this.#settings);
    const why = await issuer.keys.begin();
    this.#turns.give();
    if (why !== undefined) {
      this.#none.set(name, why, { ttl: why === 'unknown' ? UNKNOWN_FOR_MS : AWAY_FOR_MS });
      return why;
    }
    if (this.#tenants.size >= MOST_TENANTS) {
      this.#settings.log.error(`there are more tenants than the ${MOST_TENANTS} that a guard holds`);
      return 'away';
    }
    return this.#keep(this.#tenants, issuer);
  }

  #keep(where: Map<string, Issuer>, issuer: Issuer): Issuer {
    where.set(issuer.name, issuer);
    if (this.#settings.feed !== undefined) void new Follower(issuer, this.#settings.feed, this.#settings).run();
    return issuer;
  }
}

/** The tenant that a name names by a pattern: one segment of a path or label of a host. */
function tenantIn(pattern: string, name: string): string | undefined {
  const [before = '', after = ''] = pattern.split(TENANT);
  if (!name.startsWith(before) || !name.endsWith(after)) return undefined;
  const tenant = name.slice(before.length, name.length - after.length);
  return /^[A-Za-z0-9_-]{1,63}$/.test(tenant) ? tenant : undefined;
}
