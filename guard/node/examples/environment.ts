/** What the examples are told by their environment. */

import type { Guard, WhenBehind } from 'portcullis-guard';

/** A setting that must be there. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

/** What is done while nothing is heard from the issuer. */
export const whenBehind = (process.env['WHEN_BEHIND'] || 'refuse') as WhenBehind;

/** Where to listen: a host and a port. */
export function listen(): { host: string; port: number } {
  const { hostname, port } = new URL(`http://${setting('LISTEN')}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}

/** The figures, by names that are usual for metrics. */
export function figures(guard: Guard): Record<string, number | null> {
  const named = Object.entries(guard.figures());
  return Object.fromEntries(
    named.map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}
