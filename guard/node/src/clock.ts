/** A source of the present time, which tests may set. */
export interface Clock {
  /** Whole seconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since some fixed moment; they never go back. */
  monotonic(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  monotonic: () => performance.now(),
};
