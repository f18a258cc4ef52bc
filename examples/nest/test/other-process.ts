/** Another process, which shares a pair by way of Redis; it sends twenty requests when it is told to. */

import { Redis } from 'ioredis';

import { createClient } from '../client/client.js';
import { RedisStore } from '../client/redis-store.js';

const [redisUrl = '', baseURL = '', lockMs = ''] = process.argv.slice(2);
const redis = new Redis(redisUrl, { commandTimeout: 1_000 });
const { http } = createClient({
  baseURL,
  store: new RedisStore(redis, 'tokens', Number(lockMs)),
  onSignIn: () => process.send?.('sign in'),
});

process.once('message', async () => {
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => http.get('/reports')));
  process.send?.(answers.filter((it) => it.status === 'fulfilled').length);
  redis.disconnect();
  process.disconnect();
});
process.send?.('ready');
