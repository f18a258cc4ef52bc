/** Portcullis, as the client sees it: openid-client does the protocol. */

import * as oidc from 'openid-client';

import { Problem, Unavailable } from './problem.js';
import type { Settings } from './settings.js';

/** Seconds for an answer. A refresh and its retry must fit into Portcullis's grace of ten. */
const ANSWER_WITHIN = 4;

/** What the answer to an authorization request is held against. */
export interface SignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string | undefined;
  /** Says at sign-out who it is that leaves. */
  readonly id: string | undefined;
}

/** The refresh token is good no more: only sign-in is left. */
export class SignInNeeded extends Error {
  override readonly name = 'SignInNeeded';
}

export class Provider {
  readonly #settings: Settings;
  readonly #redirectUri: string;
  #configuration: Promise<oidc.Configuration> | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#redirectUri = `${settings.origin}/callback`;
  }

  /** Where to send a browser to, and what to remember until it is back. */
  async beginSignIn(): Promise<{ url: URL; signIn: SignIn }> {
    const configuration = await this.#discovered();
    const signIn = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
    };
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri,
      scope: this.#settings.scope,
      state: signIn.state,
      nonce: signIn.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(signIn.verifier),
      code_challenge_method: 'S256',
    });
    return { url, signIn };
  }

  /** Checks `state`, `iss` and, after the exchange, the ID token with its nonce and signature. */
  async finishSignIn(query: URLSearchParams, signIn: SignIn): Promise<{ tokens: Tokens; name: string }> {
    const configuration = await this.#discovered();
    const answer = await decided(
      oidc.authorizationCodeGrant(configuration, new URL(`${this.#redirectUri}?${query}`), {
        expectedState: signIn.state,
        expectedNonce: signIn.nonce,
        pkceCodeVerifier: signIn.verifier,
      }),
    ).catch((why: unknown) => {
      throw why instanceof Unavailable ? why : refusedSignIn(why);
    });
    const claims = answer.claims();
    return { tokens: tokensOf(answer), name: String(claims?.['name'] ?? claims?.sub) };
  }

  /**
   * Takes a new pair for a refresh token. Where the answer is lost, nobody knows whether the token was spent: the same
   * is sent once more, and Portcullis answers such a retry as it did before.
   *
   * @throws SignInNeeded, Unavailable
   */
  async renew(tokens: Tokens): Promise<Tokens> {
    const configuration = await this.#discovered();
    const { refresh: token } = tokens;
    if (token === undefined) throw new SignInNeeded();
    const refresh = () => decided(oidc.refreshTokenGrant(configuration, token));
    try {
      const answer = await refresh().catch((why: unknown) => {
        if (why instanceof Unavailable) return refresh();
        throw why;
      });
      return tokensOf(answer, tokens);
    } catch (why) {
      if (why instanceof oidc.ResponseBodyError && why.error === 'invalid_grant') throw new SignInNeeded();
      // Anything else that was answered is a fault of this client's settings, which no sign-in mends.
      throw why instanceof Unavailable ? why : new Unavailable('The sign-in server', why);
    }
  }

  /** Where a browser ends its session at Portcullis (OpenID Connect RP-Initiated Logout). */
  async signOutUrl(tokens: Tokens): Promise<URL> {
    return oidc.buildEndSessionUrl(await this.#discovered(), {
      ...(tokens.id === undefined ? {} : { id_token_hint: tokens.id }),
      post_logout_redirect_uri: `${this.#settings.origin}/`,
    });
  }

  /** Its metadata: asked for when it is first needed, and again where that failed. */
  #discovered(): Promise<oidc.Configuration> {
    this.#configuration ??= this.#discover().catch((why: unknown) => {
      this.#configuration = undefined;
      throw new Unavailable('The sign-in server', why);
    });
    return this.#configuration;
  }

  #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings;
    const url = new URL(issuer);
    const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
    return oidc.discovery(url, clientId, undefined, oidc.ClientSecretBasic(clientSecret), {
      timeout: ANSWER_WITHIN,
      // Plain http is for this very machine alone.
      execute: [oidc.enableNonRepudiationChecks, ...(isHere ? [oidc.allowInsecureRequests] : [])],
    });
  }
}

/** A pair, and what the one before had where an answer leaves it out (RFC 6749 §6). */
function tokensOf(answer: oidc.TokenEndpointResponse, before?: Tokens): Tokens {
  return {
    access: answer.access_token,
    refresh: answer.refresh_token ?? before?.refresh,
    id: answer.id_token ?? before?.id,
  };
}

/** An answer, or what was refused; `Unavailable` where nothing was decided, or nobody knows what. */
async function decided<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (why) {
    throw isLost(why) ? new Unavailable('The sign-in server', why) : why;
  }
}

/** The connection failed, before the answer or in the middle of it; it took too long; or the answer is a 5xx. */
function isLost(why: unknown): boolean {
  if (!(why instanceof oidc.ClientError)) return why instanceof TypeError;
  if (why.cause instanceof Response) return why.cause.status >= 500;
  return why.code === 'OAUTH_TIMEOUT' || why.code === 'OAUTH_PARSE_ERROR';
}

function refusedSignIn(why: unknown): Problem {
  const isDenied = why instanceof oidc.AuthorizationResponseError && why.error === 'access_denied';
  const text = isDenied ? 'You have not allowed it, so you are not signed in.' : 'The sign-in did not succeed.';
  return new Problem(400, `${text} You can sign in again.`, why);
}
