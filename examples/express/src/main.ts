import { createGuard } from './api.js';
import { createApp } from './app.js';
import { readSettings } from './settings.js';

const settings = readSettings(process.env);
const guard = createGuard(settings);
const { host, port } = settings.listen;

const server = createApp(settings, guard).listen(port, host, (error) => {
  if (error !== undefined) throw error;
  console.log(`${settings.origin}, with users of ${settings.issuer}`);
});

/** Lets requests finish that are under way; a browser's idle connections are not waited for. */
function end(): void {
  guard.close();
  server.close();
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
}
process.once('SIGTERM', end);
process.once('SIGINT', end);
