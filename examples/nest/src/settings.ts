/** What the environment says; the defaults are what `portcullis serve --demo` has. */

const setting = (name: string, fallback: string) => process.env[name] || fallback;

/** An address to listen at. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

function listen(address: string): Listen {
  const { hostname, port } = new URL(`http://${address}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}

/** What the API is told. */
export const apiSettings = {
  /** Whose tokens are taken, and where name and password go. */
  issuer: setting('ISSUER', 'http://127.0.0.1:8000/t/acme'),
  /** What tokens must name as `aud`. */
  audience: setting('AUDIENCE', 'https://api.acme.example'),
  /** In whose name users sign in: a public client that may use the `password` grant. */
  clientId: setting('CLIENT_ID', 'app'),
  /** Who follows what is ended: a client with scope `revocations`. */
  apiClientId: setting('API_CLIENT_ID', 'api'),
  apiClientSecret: setting('API_CLIENT_SECRET', 'demo-secret-for-the-acme-api-client'),
};

export type ApiSettings = typeof apiSettings;

export const apiListen = listen(setting('API_LISTEN', '127.0.0.1:9001'));

/** Where the browser edition calls the API. */
export const apiAddress = `http://${setting('API_LISTEN', '127.0.0.1:9001')}`;

export const browserListen = listen(setting('LISTEN', '127.0.0.1:9000'));
