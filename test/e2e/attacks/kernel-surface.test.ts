import { describeAttacks } from './describe-attacks.ts';

describeAttacks('kernel-surface');
