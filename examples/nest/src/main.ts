/** Runs both: the API, and the browser edition, which is a client of it like any other. */

import { createBrowserEdition } from '../browser/app.js';
import { createApi } from './api.js';
import { apiAddress, apiListen, apiSettings, browserListen } from './settings.js';

const api = await createApi(apiSettings);
await api.listen(apiListen.port, apiListen.host);

const browser = createBrowserEdition(apiAddress).listen(browserListen.port, browserListen.host, (error) => {
  if (error !== undefined) throw error;
  console.log(`http://${browserListen.host}:${browserListen.port}, and the API at ${apiAddress}`);
});

function end(): void {
  browser.close();
  void api.close();
}
process.once('SIGTERM', end);
process.once('SIGINT', end);
