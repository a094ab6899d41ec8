import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;

/**
 * A MongoDB in memory for tests on machines that cannot have a real one. It takes the arguments of
 * mongod that mongodb-memory-server gives, follows --port and --bind_ip, and says when it is ready
 * in the words that mongodb-memory-server waits for. It never deletes a document by a TTL index.
 */
public class MongoServer {
  /** The least that the driver talks to. */
  private enum Version implements MongoVersion {
    MONGO_4_4;

    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }
  }

  public static void main(String[] arguments) {
    var host = argument(arguments, "--bind_ip", "127.0.0.1");
    var port = Integer.parseInt(argument(arguments, "--port", "27017"));
    var backend = new MemoryBackend().version(Version.MONGO_4_4);
    var server = new de.bwaldvogel.mongo.MongoServer(backend);
    server.bind(new InetSocketAddress(host, port));
    System.out.println("Waiting for connections on " + server.getConnectionString());
  }

  private static String argument(String[] arguments, String name, String otherwise) {
    int at = Arrays.asList(arguments).indexOf(name);
    return at == -1 ? otherwise : arguments[at + 1];
  }
}
