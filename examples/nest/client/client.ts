/** The API's HTTP client: axios, which has the access token with it and gets the next one when it has expired. */

import axios, { type AxiosInstance, type AxiosRequestConfig, isAxiosError } from 'axios';

import { nextPair, pairOf, statusOf } from './refresh.js';
import type { Store } from './store.js';

declare module 'axios' {
  interface AxiosRequestConfig {
    /** The access token that the request went with. */
    sentWith?: string;
    /** Whether it has been sent before: nothing is sent a third time. */
    isRetry?: boolean;
  }
}

const ANSWER_MS = 10_000;

export interface ClientOptions {
  /** Where the API is. */
  readonly baseURL: string;
  /** Where the pair is kept. */
  readonly store: Store;
  /** Called, once for each pair, when only sign-in is left; who finds out fails with {@link SignInNeeded}. */
  readonly onSignIn: () => void;
}

/** Nobody is signed in, or not any more. */
export class SignInNeeded extends Error {
  override readonly name = 'SignInNeeded';

  constructor() {
    super('only sign-in is left');
  }
}

/** A client of the API, for one sign-in. Its errors hold what was sent, tokens included: log their message alone. */
export interface Client {
  /** For all calls to the API but sign-in and sign-out. */
  readonly http: AxiosInstance;
  /** Takes up the pair of a sign-in, or throws what axios does: 401 where name or password are wrong. */
  signIn(username: string, password: string, config?: AxiosRequestConfig): Promise<void>;
  /** Ends the session and forgets the pair, even where it throws: then the API was away. */
  signOut(): Promise<void>;
}

export function createClient({ baseURL, store, onSignIn }: ClientOptions): Client {
  // An absolute address would take the token to whoever is there.
  const defaults = { baseURL, allowAbsoluteUrls: false, maxRedirects: 0, timeout: ANSWER_MS };
  // Sign-in and refresh go without the access token, and their 401 has nothing to be refreshed.
  const plain = axios.create(defaults);
  const http = axios.create(defaults);
  const renewed = singleFlight((stale) => renew(plain, store, stale), onSignIn);

  http.interceptors.request.use(async (config) => {
    const { access } = (await store.read()) ?? {};
    if (access !== undefined) {
      config.sentWith = access;
      config.headers.set('Authorization', `Bearer ${access}`);
    }
    return config;
  });

  http.interceptors.response.use(undefined, async (why: unknown) => {
    // Anything else is the caller's: 403 says that the token is good and does not reach so far.
    if (!isAxiosError(why) || statusOf(why) !== 401 || why.config?.isRetry === true) throw why;
    await renewed(why.config?.sentWith);
    return http.request({ ...why.config, isRetry: true });
  });

  return {
    http,
    async signIn(username, password, config) {
      const { data } = await plain.post<unknown>('/auth/login', { username, password }, config);
      await store.write(pairOf(data));
    },
    async signOut() {
      try {
        await http.post('/auth/logout');
      } catch (why) {
        if (!(why instanceof SignInNeeded)) throw why;
      } finally {
        await store.write(undefined);
      }
    },
  };
}

/** Sees to it that the pair is another than the one with the stale token, which was refused with 401. */
async function renew(http: AxiosInstance, store: Store, stale: string | undefined): Promise<void> {
  await store.alone(async () => {
    // Read here and not before: while this one waited, another may have done it.
    const pair = await store.read();
    if (pair === undefined) throw new SignInNeeded();
    if (pair.access !== stale) return;
    try {
      await store.replace(pair, await nextPair(http, pair));
    } catch (why) {
      if (statusOf(why) !== 403) throw why;
      await store.replace(pair, undefined);
      throw new SignInNeeded();
    }
  });
}

/**
 * All who wait for the same token to be renewed wait for one renewal. One that ended in sign-in is kept: who hears late
 * of its 401 is told the same, and sign-in is called for once.
 */
function singleFlight(work: (stale: string | undefined) => Promise<void>, onSignIn: () => void) {
  const flights = new Map<string | undefined, Promise<void>>();
  const start = async (stale: string | undefined) => {
    let isOver = false;
    try {
      await work(stale);
    } catch (why) {
      isOver = why instanceof SignInNeeded;
      if (isOver) onSignIn();
      throw why;
    } finally {
      // Where nobody was signed in, somebody may be the next time.
      if (!isOver || stale === undefined) flights.delete(stale);
    }
  };
  return (stale: string | undefined): Promise<void> => {
    const flight = flights.get(stale) ?? start(stale);
    flights.set(stale, flight);
    return flight;
  };
}
