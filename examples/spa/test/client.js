/** client.js as a browser has it, whose server puts oauth4webapi at an address of its own. */

import { register } from 'node:module';

const hook = `export const resolve = (name, context, next) =>
  next(name === '/oauth4webapi.js' ? ${JSON.stringify(import.meta.resolve('oauth4webapi'))} : name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

export const { Client, SignInFailed, SignInNeeded, Unavailable } = await import('../client.js');
