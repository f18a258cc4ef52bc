/** The one call that is made with a refresh token. */

import { type AxiosInstance, isAxiosError } from 'axios';

import type { Pair } from './store.js';

/** How long one try may take, connecting included. */
const TRY_MS = 2_500;
const PAUSE_MS = 200;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * What a refresh takes at most: two tries and the pause between them. It stays below the grace of the server
 * (`refresh_reuse_grace`, 10 s), within which the same token is answered with the same pair again.
 */
export const REFRESH_MS = 2 * TRY_MS + PAUSE_MS;

/** The pair in an answer. @throws TypeError where there is none. */
export function pairOf(answer: unknown): Pair {
  const { access_token: access, refresh_token: refresh } = (answer ?? {}) as Record<string, unknown>;
  if (typeof access !== 'string' || typeof refresh !== 'string') throw new TypeError('there is no pair of tokens');
  return { access, refresh };
}

/** The status of the answer, where there is one. */
export const statusOf = (why: unknown) => (isAxiosError(why) ? why.response?.status : undefined);

/** Whether the server has said no. All else is an answer that was lost. */
function isRefusal(why: unknown): boolean {
  const status = statusOf(why) ?? 0;
  return status >= 400 && status < 500;
}

/**
 * The next pair. Where the answer is lost, nobody knows whether the token was used: it is tried again, once, with the
 * same token, which the server answers the same within its grace.
 */
export async function nextPair(http: AxiosInstance, { refresh }: Pair): Promise<Pair> {
  const ask = async () => {
    const headers = { Authorization: `Bearer ${refresh}` };
    const signal = AbortSignal.timeout(TRY_MS);
    const { data } = await http.post<unknown>('/auth/refresh', undefined, { headers, signal });
    return pairOf(data);
  };
  try {
    return await ask();
  } catch (why) {
    if (isRefusal(why)) throw why;
    await pause(PAUSE_MS);
    return ask();
  }
}
