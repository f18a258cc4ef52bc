/** Somebody who is signed in here. */

import { Unavailable } from './problem.js';
import { type Provider, SignInNeeded, type Tokens } from './provider.js';

const ANSWER_WITHIN_MS = 5_000;

/** What the API has answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export class Session {
  readonly name: string;
  readonly #provider: Provider;
  #tokens: Tokens;
  #renewal: Promise<void> | undefined;

  constructor(provider: Provider, name: string, tokens: Tokens) {
    this.#provider = provider;
    this.name = name;
    this.#tokens = tokens;
  }

  get tokens(): Tokens {
    return this.#tokens;
  }

  /**
   * Asks the API. Where it refuses the access token, the pair is renewed and the request sent once more.
   *
   * @throws SignInNeeded, Unavailable
   */
  async ask(address: string): Promise<Answer> {
    const sent = this.#tokens.access;
    const answer = await get(address, sent);
    if (answer.status !== 401) return answer;
    // Another request may have renewed it while this one was under way.
    if (this.#tokens.access === sent) await this.#renew();
    const second = await get(address, this.#tokens.access);
    if (second.status === 401) throw new SignInNeeded();
    return second;
  }

  /**
   * Renews the pair, once for all who wait: a refresh token that is used twice counts as stolen. Where it is refused,
   * that holds for whoever comes later, too.
   */
  #renew(): Promise<void> {
    this.#renewal ??= this.#provider.renew(this.#tokens).then(
      (tokens) => {
        this.#tokens = tokens;
        this.#renewal = undefined;
      },
      (why: unknown) => {
        if (!(why instanceof SignInNeeded)) this.#renewal = undefined;
        throw why;
      },
    );
    return this.#renewal;
  }
}

async function get(address: string, token: string): Promise<Answer> {
  try {
    const answer = await fetch(address, {
      headers: { authorization: `Bearer ${token}` },
      // The token is for this API, not for where it might point.
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return { status: answer.status, text: await answer.text() };
  } catch (why) {
    throw new Unavailable('The API', why);
  }
}
