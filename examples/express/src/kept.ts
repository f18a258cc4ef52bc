/** What this program keeps between requests. */

interface Entry<T> {
  readonly value: T;
  readonly until: number;
}

/**
 * Values in the memory of this process, so many at most and each for so long. In production they belong into Redis or a
 * database, encrypted, where all processes find them and a restart signs nobody out. What makes twenty requests one
 * refresh (`Session.renew`) is then a lock there.
 */
export class Kept<T> {
  // In the order of their coming, which is that of their going too.
  readonly #entries = new Map<string, Entry<T>>();

  constructor(
    readonly most: number,
    readonly seconds: number,
    readonly now = () => performance.now() / 1000,
  ) {}

  put(id: string, value: T): void {
    for (const [oldest, { until }] of this.#entries) {
      if (this.#entries.size < this.most && until > this.now()) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(id, { value, until: this.now() + this.seconds });
  }

  find(id: string): T | undefined {
    const entry = this.#entries.get(id);
    return entry !== undefined && entry.until > this.now() ? entry.value : undefined;
  }

  /** Finds a value and forgets it. */
  take(id: string): T | undefined {
    const value = this.find(id);
    this.#entries.delete(id);
    return value;
  }
}
