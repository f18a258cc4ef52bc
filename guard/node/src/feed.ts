import timers from 'node:timers/promises';

import { createParser } from 'eventsource-parser';

import { Client } from './client.js';
import { type Event, readEvent } from './endings.js';
import { StatusError } from './http.js';
import type { Issuer } from './issuers.js';
import { wording } from './log.js';
import type { Feed, Settings } from './settings.js';

/** How soon the feed is asked again after it broke off: doubled each time, up to the most. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** A stream that says nothing for so long is given up, before the usual bound is reached. */
const SILENCE_MS = 4_000;

/** Events on a page, and bytes of one at most. */
const SOME = '1000';
const MOST_BYTES = 4 * 1024 * 1024;

interface Page {
  readonly events: readonly Event[];
  readonly next: string;
  readonly isLast: boolean;
}

function readPage(value: unknown): Page {
  const { events, next, head } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(events) || typeof next !== 'string' || !Number.isSafeInteger(head)) {
    throw new TypeError('a page of the feed is not what it should be');
  }
  return { events: events.map(readEvent), next, isLast: next === String(head) };
}

/** Follows an issuer's endings by its feed: pages up to the last event, and then what comes. */
export class Follower {
  readonly #issuer: Issuer;
  readonly #feed: Feed;
  readonly #settings: Settings;
  readonly #client: Client;
  readonly #address: string;
  #cursor: string | undefined;
  #token: string | undefined;

  constructor(issuer: Issuer, feed: Feed, settings: Settings) {
    this.#issuer = issuer;
    this.#feed = feed;
    this.#settings = settings;
    this.#client = new Client(settings.http, feed);
    this.#address = `${issuer.name.replace(/\/+$/, '')}/oauth2/revocations`;
  }

  /** Follows until the guard is closed; it never fails. */
  async run(): Promise<void> {
    const { clock, http } = this.#settings;
    let pause = FIRST_PAUSE_MS;
    while (!http.closing.aborted) {
      const began = clock.monotonic();
      await this.#read().catch((why: unknown) => this.#brokeOff(why));
      // One that was heard in between is asked again soon.
      if ((this.#issuer.endings.heardAt ?? -Infinity) >= began) pause = FIRST_PAUSE_MS;
      await this.#sleep(pause).catch(() => undefined);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  #brokeOff(why: unknown): void {
    const { http, log } = this.#settings;
    if (http.closing.aborted) return;
    const status = why instanceof StatusError ? why.status : undefined;
    if (status === 401) {
      this.#token = undefined;
    } else if (status === 410) {
      this.#cursor = undefined;
      log.warn(`${this.#issuer.name}: the issuer counts its endings anew: they are read from the beginning`);
    } else {
      log.warn(`${this.#issuer.name}: the endings cannot be read: ${wording(why)}`);
    }
  }

  /** Reads what was missed, and then what comes, until that breaks off. */
  async #read(): Promise<void> {
    await this.#catchUp();
    const { polling } = this.#feed;
    if (polling === undefined) return this.#stream();
    for (;;) {
      await this.#sleep(polling);
      await this.#catchUp();
    }
  }

  /** Reads pages up to the last event that there is. */
  async #catchUp(): Promise<void> {
    const { clock, http } = this.#settings;
    for (;;) {
      const query = new URLSearchParams({ limit: SOME, ...(this.#cursor !== undefined && { after: this.#cursor }) });
      const headers = await this.#headers();
      const began = clock.monotonic();
      const page = readPage((await http.json(`${this.#address}?${query}`, MOST_BYTES, { headers })).value);
      page.events.forEach((event) => this.#issuer.endings.apply(event));
      if (page.isLast) this.#heard(began);
      else if (page.next === this.#cursor) throw new Error('a page of the feed leads to itself');
      this.#cursor = page.next;
      if (page.isLast) return;
    }
  }

  async #stream(): Promise<void> {
    const { clock, http } = this.#settings;
    let isAlive = false;
    const parser = createParser({
      // The sign that nothing else has ended.
      onComment: () => {
        isAlive = true;
        this.#heard(clock.monotonic());
      },
      onEvent: ({ id, data }) => {
        isAlive = true;
        this.#issuer.endings.apply(readEvent(JSON.parse(data)));
        this.#cursor = id ?? this.#cursor;
      },
    });
    const headers: Record<string, string> = { ...(await this.#headers()), accept: 'text/event-stream' };
    if (this.#cursor !== undefined) headers['last-event-id'] = this.#cursor;
    const decoder = new TextDecoder();
    await http.stream(this.#address, SILENCE_MS, { headers }, (piece) => {
      isAlive = false;
      parser.feed(decoder.decode(piece, { stream: true }));
      return isAlive;
    });
  }

  #heard(at: number): void {
    const { clock, leeway } = this.#settings;
    this.#issuer.endings.heard(at);
    this.#issuer.endings.prune(clock.now() - leeway);
  }

  async #headers(): Promise<{ authorization: string }> {
    this.#token ??= await this.#client.token(this.#issuer);
    return { authorization: `Bearer ${this.#token}` };
  }

  #sleep(ms: number): Promise<void> {
    return timers.setTimeout(ms, undefined, { signal: this.#settings.http.closing });
  }
}
