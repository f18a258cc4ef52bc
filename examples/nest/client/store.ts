/** Where a pair of tokens is kept. */

/** What a sign-in gives: a token for the API, and one to get the next pair with. */
export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** Keeps the pair of one sign-in, for whoever shares it. */
export interface Store {
  read(): Promise<Pair | undefined>;

  /** Puts a pair in the place of whatever is there; undefined takes it out. */
  write(pair: Pair | undefined): Promise<void>;

  /**
   * The same, but only where `from` is still there: a refresh that comes back late undoes neither a sign-out nor
   * another's newer pair.
   */
  replace(from: Pair, to: Pair | undefined): Promise<void>;

  /** Does something while nobody else who shares the store does. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** Keeps it in this process. */
export class MemoryStore implements Store {
  #pair: Pair | undefined;
  #last: Promise<unknown> = Promise.resolve();

  async read(): Promise<Pair | undefined> {
    return this.#pair;
  }

  async write(pair: Pair | undefined): Promise<void> {
    this.#pair = pair;
  }

  async replace(from: Pair, to: Pair | undefined): Promise<void> {
    if (this.#pair?.refresh === from.refresh) this.#pair = to;
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    // One that fails holds nobody up.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
