/** What the environment says; the defaults are what `portcullis serve --demo` has. */

/** @typedef {ReturnType<typeof readSettings>} Settings */

/** @param {NodeJS.ProcessEnv} environment */
export function readSettings(environment) {
  const setting = (/** @type {string} */ name, /** @type {string} */ fallback) => environment[name] || fallback;
  const { hostname, port } = new URL(`http://${setting('LISTEN', '127.0.0.1:9000')}`);
  return {
    /** Portcullis: who signs users in and issues tokens. */
    issuer: setting('ISSUER', 'http://127.0.0.1:8000/t/acme'),
    /** What tokens must name as `aud` at the API. */
    audience: setting('AUDIENCE', 'https://api.acme.example'),
    /** The page, as a public client. */
    clientId: setting('CLIENT_ID', 'app'),
    scope: 'openid profile email offline_access reports.read',
    /** The API, as a client of its own that hears of what was ended. */
    apiClientId: setting('API_CLIENT_ID', 'api'),
    apiClientSecret: setting('API_CLIENT_SECRET', 'demo-secret-for-the-acme-api-client'),
    listen: { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) },
  };
}
