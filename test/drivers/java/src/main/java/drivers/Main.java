package drivers;

import com.google.gson.GsonBuilder;
import com.google.gson.reflect.TypeToken;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Runs the topics of pgjdbc, alone or behind HikariCP, one after the other, and prints what came of each as a line of
 * JSON. Whether that is right is the runner's to say: it compares with PostgreSQL's own.
 */
public final class Main {
  private static final int DEADLINE_SECONDS = 15;
  private static final int CLIENTS = 20;

  private record Script(String topic, List<List<String>> steps) {}

  private Main() {}

  public static void main(String[] arguments) throws IOException {
    PGSimpleDataSource direct = dataSource(URI.create(System.getenv("DATABASE_URL")));
    boolean pooled = arguments[0].equals("hikari");
    Topics topics = new Topics(pooled ? pool(direct) : direct);
    Map<String, Callable<Object>> all = new LinkedHashMap<>(topics.byName());
    for (Script script : readScripts()) {
      all.put(script.topic(), () -> pooled ? playPooled(script, direct) : play(script, direct));
    }
    ExecutorService thread = Executors.newCachedThreadPool();
    all.forEach((name, topic) -> report(thread, name, topic));
    // A topic that was given up may still hold a thread.
    System.exit(0);
  }

  private static PGSimpleDataSource dataSource(URI address) {
    String[] account = address.getUserInfo().split(":", 2);
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setServerNames(new String[] {address.getHost()});
    source.setPortNumbers(new int[] {address.getPort()});
    source.setDatabaseName(address.getPath().substring(1));
    source.setUser(account[0]);
    source.setPassword(account[1]);
    return source;
  }

  private static HikariDataSource pool(DataSource source) {
    HikariConfig config = new HikariConfig();
    config.setDataSource(source);
    config.setMaximumPoolSize(CLIENTS + 2);
    config.setMinimumIdle(1);
    return new HikariDataSource(config);
  }

  private static List<Script> readScripts() throws IOException {
    String text = Files.readString(Path.of(System.getenv("SCRIPTS")));
    return new GsonBuilder().create().fromJson(text, new TypeToken<List<Script>>() {}.getType());
  }

  /** In a pool of its own: HikariCP hands a session's settings to its next borrower. */
  private static List<Object> playPooled(Script script, DataSource source) throws SQLException {
    try (HikariDataSource pool = pool(source)) {
      return play(script, pool);
    }
  }

  private static List<Object> play(Script script, DataSource source) throws SQLException {
    Map<String, Connection> sessions = new LinkedHashMap<>();
    List<Object> results = new ArrayList<>();
    try {
      for (List<String> step : script.steps()) {
        if (!sessions.containsKey(step.get(0))) {
          sessions.put(step.get(0), source.getConnection());
        }
        results.add(outcome(sessions.get(step.get(0)), step.get(1)));
      }
    } finally {
      for (Connection session : sessions.values()) {
        session.close();
      }
    }
    return results;
  }

  private static Object outcome(Connection session, String sql) {
    try {
      return Topics.firstColumn(session, sql);
    } catch (SQLException failure) {
      return failure.getSQLState();
    }
  }

  private static void report(ExecutorService thread, String topic, Callable<Object> work) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("topic", topic);
    try {
      line.put("result", thread.submit(work).get(DEADLINE_SECONDS, TimeUnit.SECONDS));
    } catch (ExecutionException failure) {
      line.put("failed", String.valueOf(failure.getCause()));
    } catch (TimeoutException | InterruptedException failure) {
      line.put("failed", "not over after " + DEADLINE_SECONDS + " s");
    }
    System.out.println(new GsonBuilder().serializeNulls().create().toJson(line));
  }
}
