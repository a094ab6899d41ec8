import { type Connection, Mongoose, Schema } from 'mongoose';
import { type Environment, systemEnvironment } from './environment.ts';
import { type Log, silentLog } from './log.ts';
import { createPause, tellOfState } from './reconnect.ts';
import { reach, STORE_TIMEOUT, StoreUnavailable } from './store-unavailable.ts';
import { randomToken, type TokenRecord, type TokenStore, tokenKey } from './tokens.ts';

/** What may be chosen about tokens in MongoDB. */
export interface MongoTokensOptions {
  /**
   * The life of an ordinary token, in ms: MongoDB deletes tokens of that age, within a minute or
   * so. One that lives longer, by a fault switch, may be deleted before its time.
   */
  readonly interval: number;
  /** Hears once that MongoDB is up or down, not of every attempt. Default: silence. */
  readonly log?: Log;
  /** ms that connecting, or an operation, may take. Default: `STORE_TIMEOUT`. */
  readonly timeout?: number;
  /** Name of the database. Default: the one in the address, or `test` as everywhere in MongoDB. */
  readonly database?: string;
}

/** A token as MongoDB keeps it. */
interface TokenDocument extends Omit<TokenRecord, 'expires_at'> {
  /** The token's hash: see `tokenKey`. */
  readonly token: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** ms between attempts to connect for the first time; from then on the driver watches by itself. */
const RECONNECT = 500;

/** The driver does not look more often, in ms, for a server that has gone. */
const LEAST_HEARTBEAT = 500;

/**
 * Keeps tokens in MongoDB, in the collection `tokens`, for any number of processes. Connects in the
 * background. Taking a single-use token is one `findOneAndDelete`, which MongoDB does for one
 * caller only; a majority of a replica set has it before it is believed, as else a failover might
 * bring a spent token back.
 *
 * @throws {TypeError} if `url` is no address of MongoDB; without quoting it, as it may hold a
 *   password
 */
export function mongoTokens(
  url: string,
  environment: Environment,
  options: MongoTokensOptions,
): TokenStore {
  const { interval, log = silentLog, timeout = STORE_TIMEOUT, database } = options;
  if (!/^mongodb(\+srv)?:\/\//.test(url)) {
    throw new TypeError('Not an address of MongoDB: expected mongodb://… or mongodb+srv://…');
  }
  // Of its own: what `mongoose` remembers would be shared with the rest of the process.
  // With `sanitizeFilter` an object in a query is a value to compare with, never an operator.
  const connection = new Mongoose({ sanitizeFilter: true }).createConnection();
  const tokens = tokenModel(connection, interval);
  let closed = false;
  let up = false;
  const tellState = tellOfState('MongoDB', log);
  const pause = createPause();

  function tell(isUp: boolean, error?: unknown): void {
    if (!closed) tellState(isUp, error);
  }

  // Unheard, it would end the process; what it is about is heard from the operations.
  connection.on('error', () => {});
  connection.on('disconnected', () => {
    if (up) tell(false, new StoreUnavailable('MongoDB', 'DISCONNECTED'));
    up = false;
  });
  connection.on('reconnected', () => {
    up = true;
    tell(true);
  });

  async function connect(): Promise<void> {
    await connection.openUri(url, {
      ...(database !== undefined && { dbName: database }),
      bufferCommands: false,
      autoIndex: false,
      autoCreate: false,
      serverSelectionTimeoutMS: timeout,
      connectTimeoutMS: timeout,
      socketTimeoutMS: timeout,
      waitQueueTimeoutMS: timeout,
      heartbeatFrequencyMS: Math.max(timeout, LEAST_HEARTBEAT),
      writeConcern: { w: 'majority' },
      readPreference: 'primary',
    });
    await prepare(tokens);
    up = true;
    tell(true);
  }

  async function keepConnecting(): Promise<void> {
    while (!closed && !up) {
      await connect().catch((error) => tell(false, error));
      if (closed || up) return;
      await pause.take(RECONNECT * (1 + systemEnvironment.random()));
    }
  }

  const run = <T>(operation: () => Promise<T>): Promise<T> =>
    reach('MongoDB', timeout, async () => {
      if (!up) throw new StoreUnavailable('MongoDB', 'DISCONNECTED');
      return operation();
    });

  const connecting = keepConnecting();

  return {
    async mint(user, { expiresIn, reusable }) {
      const token = randomToken(environment);
      const now = environment.now();
      const document: TokenDocument = {
        token: tokenKey(token) as string,
        token_type: 'ws',
        user_id: user,
        createdAt: new Date(now),
        expiresAt: new Date(now + expiresIn),
        reusable,
      };
      await run(() => tokens.create(document));
      return { token, expiresAt: now + expiresIn };
    },

    async take(token) {
      const key = tokenKey(token);
      if (key === undefined) return undefined;
      return run(async () => {
        const found =
          (await tokens.findOneAndDelete({ token: key, reusable: false }).lean()) ??
          (await tokens.findOne({ token: key, reusable: true }).lean());
        if (found === null) return undefined;
        if (found.expiresAt.getTime() > environment.now()) return found.user_id;
        // For the day that a clock is set back.
        if (found.reusable) await tokens.deleteOne({ token: key });
        return undefined;
      });
    },

    async revoke(user) {
      await run(() => tokens.deleteMany(user === undefined ? {} : { user_id: user }));
    },

    async check() {
      await run(async () => connection.db?.command({ ping: 1 }));
    },

    async close() {
      if (closed) return;
      closed = true;
      up = false;
      pause.cut();
      const end = async (): Promise<void> => {
        // Mongoose would wait for a connection before it closes it.
        await connection.getClient()?.close(true);
        await connecting;
        await connection.destroy(true);
      };
      await reach('MongoDB', timeout, end).catch(() => {});
    },
  };
}

function tokenModel(connection: Connection, interval: number) {
  const schema = new Schema<TokenDocument>(
    {
      token: { type: String, unique: true },
      token_type: { type: String, enum: ['ws'] },
      user_id: { type: String, index: true },
      createdAt: { type: Date, expires: Math.ceil(interval / 1000) },
      expiresAt: Date,
      reusable: Boolean,
    },
    { collection: 'tokens', versionKey: false, strict: 'throw', strictQuery: 'throw' },
  );
  return connection.model('Token', schema);
}

type TokenModel = ReturnType<typeof tokenModel>;

/**
 * Makes the collection and its indexes. MongoDB refuses another interval for an index that is
 * there: it is dropped first.
 */
async function prepare(tokens: TokenModel): Promise<void> {
  await tokens.createCollection();
  const ageIndex = (await tokens.collection.indexes()).find(({ key }) => 'createdAt' in key);
  const { expires } = tokens.schema.path('createdAt').options;
  if (ageIndex?.name !== undefined && ageIndex.expireAfterSeconds !== expires) {
    await tokens.collection.dropIndex(ageIndex.name);
  }
  await tokens.createIndexes();
}
