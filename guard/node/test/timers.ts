/** The timers of the guard, set by hand; those of `fetch` and of the test stay the machine's. */

import type { TestContext } from 'node:test';
import timers from 'node:timers';
import promises from 'node:timers/promises';

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

export class SetTimers {
  #now = 0;
  readonly #set = new Set<Timer>();

  constructor(t: TestContext) {
    const mock = (object: object, name: string, by: (...given: never[]) => unknown) =>
      t.mock.method(object as Record<string, () => unknown>, name, by as () => unknown);
    mock(timers, 'setTimeout', (call: () => void, ms: number) => this.#add(call, ms));
    mock(timers, 'clearTimeout', (timer: Timer) => this.#set.delete(timer));
    mock(promises, 'setTimeout', (ms: number) => new Promise<void>((resolve) => this.#add(resolve, ms)));
  }

  #add(call: () => void, ms: number): Timer {
    const timer = { at: this.#now + ms, call };
    this.#set.add(timer);
    return timer;
  }

  /** Lets so many milliseconds pass. */
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of this.#set) if (timer.at <= this.#now && this.#set.delete(timer)) timer.call();
  }
}
