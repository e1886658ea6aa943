// breaks arrows: arrows-cli
import type { SecretSource } from '../adapters/secret/host-broker.ts';
export type Source = SecretSource;
