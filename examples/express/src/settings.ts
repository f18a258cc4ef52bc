/** What the environment says; the defaults are what `portcullis serve --demo` has. */

export interface Settings {
  /** Portcullis: who signs users in and issues tokens. */
  readonly issuer: string;
  /** What tokens must name as `aud` at the API. */
  readonly audience: string;
  /** The client, who acts for users. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The API, as a client of its own that hears of what was ended. */
  readonly apiClientId: string;
  readonly apiClientSecret: string;
  readonly scope: string;
  /** Where to listen: host and port. */
  readonly listen: { readonly host: string; readonly port: number };
  /**
   * How browsers reach this program. Behind a proxy that speaks https this is its public address: cookies are then
   * `Secure`.
   */
  readonly origin: string;
}

export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const setting = (name: string, fallback: string) => environment[name] || fallback;
  const origin = `http://${setting('LISTEN', '127.0.0.1:9000')}`;
  const { hostname, port } = new URL(origin);
  return {
    issuer: setting('ISSUER', 'http://127.0.0.1:8000/t/acme'),
    audience: setting('AUDIENCE', 'https://api.acme.example'),
    clientId: setting('CLIENT_ID', 'web'),
    clientSecret: setting('CLIENT_SECRET', 'demo-secret-for-the-acme-web-client'),
    apiClientId: setting('API_CLIENT_ID', 'api'),
    apiClientSecret: setting('API_CLIENT_SECRET', 'demo-secret-for-the-acme-api-client'),
    scope: 'openid profile email offline_access reports.read',
    listen: { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) },
    origin,
  };
}
