// node-oidc-provider with everything in memory: an issuer for tests of the guard, and a peer for
// `make bench-peers`. `/begin` answers the first refresh token of a new grant.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

const { Provider } = await import(createRequire(process.env.NODE_OIDC_PROVIDER + '/').resolve('oidc-provider'));
const [port, secret] = [Number(process.env.PORT), process.env.CLIENT_SECRET];
const api = 'https://api.example';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    { client_id: 'web', client_secret: secret, redirect_uris: [], response_types: [], grant_types: ['client_credentials'] },
    {
      client_id: 'app', token_endpoint_auth_method: 'none', redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code', 'refresh_token'],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    devInteractions: { enabled: false },
    // Access tokens that are signed, as the others' are.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => api,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'read', audience: api, accessTokenFormat: 'jwt', accessTokenTTL: 900,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

provider.use(async (ctx, next) => {
  if (ctx.path !== '/begin') return next();
  const client = await provider.Client.find('app');
  const [accountId, scope] = [randomUUID(), 'offline_access read'];
  const grant = new provider.Grant({ accountId, clientId: 'app' });
  grant.addOIDCScope('offline_access');
  grant.addResourceScope(api, 'read');
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    accountId, client, grantId, scope, resource: api, authTime: Math.floor(Date.now() / 1000),
    gty: 'authorization_code', rotations: 0, iiat: Math.floor(Date.now() / 1000),
  });
  ctx.body = { refresh_token: await token.save() };
});
provider.listen(port, '127.0.0.1');
