import { debuglog } from 'node:util';

/** Where a guard says what its callers are not told. `console`, pino and Nest's logger are such. */
export interface Log {
  /** Why a token was refused. */
  debug(text: string): void;
  /** Why it could not be said whether a token is good. */
  warn(text: string): void;
  /** What somebody should look at. */
  error(text: string): void;
}

const debug = debuglog('portcullis-guard');

/** The console; why tokens are refused is there with `NODE_DEBUG=portcullis-guard`. */
export const consoleLog: Log = {
  debug: (text) => debug('%s', text),
  warn: (text) => console.warn(`portcullis-guard: ${text}`),
  error: (text) => console.error(`portcullis-guard: ${text}`),
};

/** What went wrong, with its cause: of a connection `fetch` says only that it failed. */
export function wording(why: unknown): string {
  if (!(why instanceof Error)) return String(why);
  return why.cause === undefined ? why.message : `${why.message}: ${wording(why.cause)}`;
}
