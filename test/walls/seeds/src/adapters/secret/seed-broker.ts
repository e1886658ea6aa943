// breaks tidy: does not run src/testing/contracts/secret-broker.ts
import type { SecretBroker } from '../../ports/secret-broker.ts';
export const broker: SecretBroker = { name: 'env', lease: () => Promise.reject(new Error('no')) };
