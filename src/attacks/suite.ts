/** All attacks, class by class. */
import { ABI_BYPASS } from './abi-bypass.ts';
import type { Scenario } from './attack.ts';
import { FILESYSTEM } from './filesystem.ts';
import { GUEST_PROTOCOL } from './guest-protocol.ts';
import { IDENTITY } from './identity.ts';
import { IPC_AND_DESCRIPTORS } from './ipc.ts';
import { KERNEL_SURFACE } from './kernel-surface.ts';
import { NAMESPACES_AND_MOUNTS } from './namespaces.ts';
import { NETWORK } from './network.ts';
import { PROCESSES } from './processes.ts';
import { RESIDUE } from './residue.ts';
import { RESOURCES_AND_LIMITS } from './resources.ts';
import { SECRETS_AND_SOCKET } from './secrets.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...FILESYSTEM, ...PROCESSES, ...NAMESPACES_AND_MOUNTS, ...KERNEL_SURFACE, ...ABI_BYPASS, ...IPC_AND_DESCRIPTORS, ...IDENTITY, ...NETWORK, ...RESOURCES_AND_LIMITS, ...RESIDUE, ...SECRETS_AND_SOCKET,
  ...GUEST_PROTOCOL,
];
