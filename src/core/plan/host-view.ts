/**
 * What a cell of the profile `portable` gives up, thing by thing: each is an item of the plan, so it stands in the evidence of every such run.
 *
 *   W1  file system, network, host user and filter are all there is to give up: processes, queues, host name, groups and capabilities stay the
 *       cell's own, so the whole tree of a command can be killed and the certificate means what it says.
 */
import type { HostView } from './asks.ts';
import type { HostFacts, PlanItem } from './plan.ts';

export const BY_NAME = 'The profile portable was asked for by name';

export function byName(name: string, asked: string, effective: string): PlanItem {
  return { name, asked, effective, mechanism: '', status: 'downgraded', reason: BY_NAME };
}

export function hostViewItems(host: HostFacts, view: HostView): PlanItem[] {
  const items = [byName('namespace.mount', 'portable', `sees the host's file system as user ${host.euid} without capabilities; ${[...view.hidden, '/sys and /proc/sys for writing'].join(', ')} kept out`)];
  if (view.network === 'host') items.push(byName('namespace.network', 'portable', "the host's network, unrestricted"));
  return items;
}
