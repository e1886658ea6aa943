/** Addresses behind a name, as this host resolves it. */
import { lookup } from 'node:dns/promises';
import { ignore } from '../../base/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** How long a name may take, ms (reference/03 §6.4). */
const BUDGET_MS = 3_000;

/** Nothing for a name that cannot be resolved in time. */
export async function resolveAddresses(host: string, clock: Clock): Promise<readonly { address: string; family: 'inet' | 'inet6' }[]> {
  const late = Promise.withResolvers<[]>();
  using _timer = clock.after(BUDGET_MS, () => late.resolve([]));
  const found = lookup(host, { all: true }).catch((error: unknown) => {
    ignore(error, 'no address is an answer, too');
    return [];
  });
  const answers = await Promise.race([found, late.promise]);
  return answers.map(({ address, family }) => ({ address, family: family === 6 ? 'inet6' : 'inet' }));
}
