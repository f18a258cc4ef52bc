import { setMaxListeners } from 'node:events';
import timers from 'node:timers';

/** How long an answer may take as a whole, in milliseconds. */
export const ANSWER_WITHIN_MS = 5_000;

/** An answer whose status is not 2xx. */
export class StatusError extends Error {
  /** Its status. */
  readonly status: number;

  constructor(status: number) {
    super(`the answer is ${status}`);
    this.status = status;
  }

  /** Whether the issuer says that there is no such thing. */
  get isGone(): boolean {
    return this.status === 404 || this.status === 410;
  }
}

/** A JSON document, and the headers that it came with. */
export interface Fetched {
  readonly value: unknown;
  readonly headers: Headers;
}

/** Requests to issuers, until it is closed. A redirect is not followed: it may lead to anywhere. */
export class Http {
  readonly #closing = new AbortController();

  constructor() {
    setMaxListeners(0, this.#closing.signal);
  }

  /** Aborted once the guard is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Ends what is under way, and whatever is asked for later. */
  close(): void {
    this.#closing.abort(new Error('the guard is closed'));
  }

  /** Reads a JSON document of so many bytes at most. */
  json(address: string, most: number, init?: RequestInit): Promise<Fetched> {
    return this.within(ANSWER_WITHIN_MS, async (signal) => {
      const answer = await send(address, { ...init, signal });
      const pieces: Uint8Array[] = [];
      let size = 0;
      for await (const piece of answer.body ?? []) {
        size += piece.byteLength;
        if (size > most) throw new Error(`the answer is larger than ${most} bytes`);
        pieces.push(piece);
      }
      return { value: JSON.parse(Buffer.concat(pieces).toString()) as unknown, headers: answer.headers };
    });
  }

  /** Reads an answer piece by piece; `onPiece` says whether it counts as a sign of life, which may lack for so long. */
  stream(address: string, silence: number, init: RequestInit, onPiece: (piece: Uint8Array) => boolean): Promise<void> {
    return this.within(silence, async (signal, again) => {
      const answer = await send(address, { ...init, signal });
      for await (const piece of answer.body ?? []) if (onPiece(piece)) again();
    });
  }

  /** Does something that is given up after so many milliseconds, counted anew by `again`, or when this is closed. */
  async within<T>(ms: number, work: (signal: AbortSignal, again: () => void) => Promise<T>): Promise<T> {
    this.closing.throwIfAborted();
    const abort = new AbortController();
    const close = () => abort.abort(this.closing.reason);
    // By their module: tests set these, and leave `fetch` its own.
    const start = () => timers.setTimeout(() => abort.abort(new Error(`nothing was heard for ${ms} ms`)), ms);
    let timer = start();
    const again = () => {
      timers.clearTimeout(timer);
      timer = start();
    };
    this.closing.addEventListener('abort', close, { once: true });
    try {
      return await work(abort.signal, again);
    } finally {
      timers.clearTimeout(timer);
      this.closing.removeEventListener('abort', close);
    }
  }
}

async function send(address: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(address, { ...init, redirect: 'manual' });
  if (answer.ok) return answer;
  await answer.body?.cancel();
  throw new StatusError(answer.status);
}
