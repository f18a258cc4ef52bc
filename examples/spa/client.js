/** The client, in the browser: oauth4webapi does the protocol. Nothing here touches the page. */

import * as oauth from '/oauth4webapi.js';

/** How long an answer may take. A refresh and its retry must fit into Portcullis's grace of ten seconds. */
const ANSWER_WITHIN_MS = 4_000;

/** Where a sign-in is kept in sessionStorage until the browser is back. */
const SIGN_IN = 'sign-in';

/**
 * @typedef {object} Settings
 * @property {string} issuer Portcullis: who signs users in and issues tokens.
 * @property {string} clientId This client, a public one: whatever secret it had, its users could read.
 * @property {string} scope
 * @property {string} origin Of this page.
 *
 * @typedef {object} Tokens
 * @property {string} access
 * @property {string | undefined} refresh
 *
 * @typedef {object} Answer What the API has answered.
 * @property {number} status
 * @property {string} text
 *
 * @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Store
 */

/** Only sign-in is left. */
export class SignInNeeded extends Error {}

/** A sign-in did not succeed; its message is for a person. */
export class SignInFailed extends Error {}

/** Whoever was asked did not answer: it can be asked again. */
export class Unavailable extends Error {}

export class Client {
  #settings;
  #store;
  #redirectUri;
  /** @type {oauth.Client} */
  #client;
  /** @type {Promise<oauth.AuthorizationServer> | undefined} */
  #server;
  /** @type {{ id: string, name: string } | undefined} */
  #user;

  /**
   * A browser should hold no tokens at all: whatever script gets into the page, by a dependency or a hole, can do with
   * them what the page can, and can send them elsewhere. Here they are in this one variable, never in localStorage, a
   * cookie or another tab: what is read from the disk, or later, finds none, and a reload forgets them. That is the
   * least bad edition of a page without a backend. The better one is examples/express: tokens stay with the server.
   *
   * @type {Tokens | undefined}
   */
  #tokens;
  /** @type {Promise<void> | undefined} */
  #renewal;

  /**
   * @param {Settings} settings
   * @param {Store} store For what a sign-in must remember: that is no token, and worth nothing without the code.
   */
  constructor(settings, store) {
    this.#settings = settings;
    this.#store = store;
    this.#redirectUri = `${settings.origin}/callback`;
    this.#client = { client_id: settings.clientId };
  }

  /** Who is signed in, if anybody is. */
  get name() {
    return this.#tokens && this.#user?.name;
  }

  /** Where to send the browser to, to sign in. */
  async signInUrl() {
    const server = await this.#discovered();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const verifier = oauth.generateRandomCodeVerifier();
    this.#store.setItem(SIGN_IN, JSON.stringify({ state, nonce, verifier }));
    return addressOf(server.authorization_endpoint, {
      response_type: 'code',
      client_id: this.#settings.clientId,
      redirect_uri: this.#redirectUri,
      scope: this.#settings.scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
  }

  /**
   * Takes up what the browser came back with: checks `state`, `iss` and, after the exchange, the ID token with its
   * nonce and signature.
   *
   * @param {URLSearchParams} query
   * @throws SignInFailed, Unavailable
   */
  async finishSignIn(query) {
    const kept = this.#store.getItem(SIGN_IN);
    this.#store.removeItem(SIGN_IN);
    if (kept === null) throw new SignInFailed('This sign-in was not begun in this tab, or is done already.');
    const { state, nonce, verifier } = JSON.parse(kept);
    const server = await this.#discovered();
    try {
      const parameters = oauth.validateAuthResponse(server, this.#client, query, state);
      const answer = await decided(async () => {
        const response = await oauth.authorizationCodeGrantRequest(
          server, this.#client, oauth.None(), parameters, this.#redirectUri, verifier, this.#options(),
        );
        const checks = { expectedNonce: nonce, requireIdToken: true };
        const answer = await oauth.processAuthorizationCodeResponse(server, this.#client, response, checks);
        await oauth.validateApplicationLevelSignature(server, response, this.#options());
        return answer;
      });
      const claims = oauth.getValidatedIdTokenClaims(answer);
      this.#tokens = tokensOf(answer);
      this.#user = { id: answer.id_token ?? '', name: String(claims?.['name'] ?? claims?.sub) };
    } catch (why) {
      if (why instanceof Unavailable) throw why;
      const isDenied = why instanceof oauth.AuthorizationResponseError && why.error === 'access_denied';
      const text = isDenied ? 'You have not allowed it, so you are not signed in.' : 'The sign-in did not succeed.';
      throw new SignInFailed(text, { cause: why });
    }
  }

  /**
   * Asks the API. Where it refuses the access token, the pair is renewed and the request sent once more.
   *
   * @param {string} path
   * @returns {Promise<Answer>}
   * @throws SignInNeeded, Unavailable
   */
  async ask(path) {
    const sent = this.#tokens?.access;
    const answer = await this.#get(path);
    if (answer.status !== 401) return answer;
    // Another request may have renewed it while this one was under way.
    if (this.#tokens?.access === sent) await this.#renewOnce();
    const second = await this.#get(path);
    if (second.status === 401) this.#leave();
    return second;
  }

  /** Forgets the tokens. The answer is where the session at Portcullis ends (OpenID Connect RP-Initiated Logout). */
  async signOutUrl() {
    this.#tokens = undefined;
    const server = await this.#discovered();
    return addressOf(server.end_session_endpoint, {
      id_token_hint: this.#user?.id ?? '',
      client_id: this.#settings.clientId,
      post_logout_redirect_uri: `${this.#settings.origin}/`,
    });
  }

  /** @param {string} path */
  async #get(path) {
    if (this.#tokens === undefined) throw new SignInNeeded();
    try {
      const answer = await fetch(new URL(path, this.#settings.origin), {
        headers: { authorization: `Bearer ${this.#tokens.access}` },
        cache: 'no-store',
        // The token is for this API, not for where it might point.
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      return { status: answer.status, text: await answer.text() };
    } catch (why) {
      throw new Unavailable('The API cannot be reached at the moment.', { cause: why });
    }
  }

  /** Renews the pair, once for all who wait: a refresh token that is used twice counts as stolen. */
  #renewOnce() {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /**
   * Where the answer is lost, nobody knows whether the refresh token was spent: the same is sent once more, and
   * Portcullis answers such a retry as it did before.
   */
  async #renew() {
    const tokens = this.#tokens;
    if (tokens?.refresh === undefined) this.#leave();
    try {
      const answer = await this.#refresh(tokens.refresh).catch((why) => {
        if (why instanceof Unavailable) return this.#refresh(tokens.refresh ?? '');
        throw why;
      });
      // Whoever has signed out meanwhile stays so.
      if (this.#tokens === tokens) this.#tokens = tokensOf(answer, tokens);
    } catch (why) {
      if (why instanceof oauth.ResponseBodyError && why.error === 'invalid_grant') this.#leave();
      // Anything else that was answered is a fault of this client's settings, which no sign-in mends.
      throw why instanceof Unavailable ? why : unreachable(why);
    }
  }

  /** @param {string} token */
  async #refresh(token) {
    const server = await this.#discovered();
    return decided(async () => {
      const response = await oauth.refreshTokenGrantRequest(
        server, this.#client, oauth.None(), token, this.#options(),
      );
      return oauth.processRefreshTokenResponse(server, this.#client, response);
    });
  }

  /** @returns {never} */
  #leave() {
    this.#tokens = undefined;
    throw new SignInNeeded();
  }

  /** Its metadata: asked for when it is first needed, and again where that failed. */
  #discovered() {
    this.#server ??= this.#discover().catch((why) => {
      this.#server = undefined;
      throw unreachable(why);
    });
    return this.#server;
  }

  async #discover() {
    const issuer = new URL(this.#settings.issuer);
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, this.#options()));
  }

  #options() {
    const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(this.#settings.issuer).hostname);
    // Plain http is for this very machine alone.
    return { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), [oauth.allowInsecureRequests]: isHere };
  }
}

/**
 * A pair; the refresh token is the one before where an answer leaves it out (RFC 6749 §6).
 *
 * @param {oauth.TokenEndpointResponse} answer
 * @param {Tokens} [before]
 * @returns {Tokens}
 */
function tokensOf(answer, before) {
  return { access: answer.access_token, refresh: answer.refresh_token ?? before?.refresh };
}

/** @param {string | undefined} endpoint @param {Record<string, string>} parameters */
function addressOf(endpoint, parameters) {
  if (endpoint === undefined) throw new Unavailable('The sign-in server does not offer this.');
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

/** @param {unknown} cause */
const unreachable = (cause) => new Unavailable('The sign-in server cannot be reached at the moment.', { cause });

/**
 * An answer, or what was refused; `Unavailable` where nothing was decided, or nobody knows what.
 *
 * @template T
 * @param {() => Promise<T>} work
 */
async function decided(work) {
  try {
    return await work();
  } catch (why) {
    throw isLost(why) ? unreachable(why) : why;
  }
}

/**
 * The connection failed, before the answer or in the middle of it; it took too long; or the answer is a 5xx.
 *
 * @param {unknown} why
 */
function isLost(why) {
  if (why instanceof oauth.OperationProcessingError) {
    return why.code === oauth.PARSE_ERROR || (why.cause instanceof Response && why.cause.status >= 500);
  }
  return why instanceof TypeError || why instanceof DOMException;
}
