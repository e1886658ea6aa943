import { testVectors } from './test-vectors.ts';

testVectors((area) => area !== 'spec' && area !== 'events' && area !== 'evidence');
