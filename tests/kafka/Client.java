/*
 * What tests and the bench ask of a Kafka cluster, one command a line on standard input, one answer a line: "ok ..." or "error ...".
 *
 *   create TOPIC PARTITIONS REPLICAS [NAME=VALUE ...]     partitions TOPIC COUNT          delete TOPIC
 *   produce TOPIC FROM COUNT CODEC RATE                   rows FROM .. FROM+COUNT-1; RATE a second, 0: as fast as it goes
 *   start TOPIC FROM COUNT CODEC RATE                     the same beside what follows; `wait` answers when it has ended
 *   transaction TOPIC FROM COUNT commit|abort|open        the same in a transaction; open: left undecided until the program ends
 *   send TOPIC PARTITION TEXT                             one message; \n in the text is a line break
 *   trim TOPIC PARTITION OFFSET                           deletes records before the offset
 *   move TOPIC PARTITION BROKER                           makes that broker the partition's only replica, and waits for it
 *   begins TOPIC                                          "ok BEGIN BEGIN ..." by partition; ends: the same of their ends
 *   brokers COUNT                                         waits until the cluster has so many brokers
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Client {
    static final String[] COUNTRIES = {"KR", "US", "JP", "DE"};
    static final List<KafkaProducer<byte[], byte[]>> undecided = new ArrayList<>();
    static String servers;
    static Admin admin;
    static Thread beside;
    static final AtomicReference<String> failure = new AtomicReference<>();

    /* Seven columns and the row's number, about 140 bytes. */
    static byte[] row(long id) {
        long n = id * 2654435761L & 0xffffffffL;
        return ("{\"time\":" + (1714521600000L + id * 7) + ",\"id\":" + id + ",\"user\":\"u" + n % 50000 + "\",\"page\":\"/p/"
            + (n >> 8 & 2047) + "\",\"country\":\"" + COUNTRIES[(int) (n >> 20 & 3)] + "\",\"ms\":" + n % 3000 + ",\"ok\":" + (n >> 5 & 1)
            + ",\"agent\":\"agent/" + (n >> 12 & 63) + "\"}").getBytes(StandardCharsets.US_ASCII);
    }

    static KafkaProducer<byte[], byte[]> producer(String codec, String transaction) {
        Properties p = new Properties();
        p.put("bootstrap.servers", servers);
        p.put("compression.type", codec);
        p.put("linger.ms", "5");
        p.put("batch.size", "131072");
        p.put("buffer.memory", "67108864");
        p.put("acks", "all");
        p.put("enable.idempotence", "true"); /* a broker that dies makes no message twice */
        p.put("delivery.timeout.ms", "600000");
        p.put("max.block.ms", "300000");
        if (transaction != null)
            p.put("transactional.id", transaction);
        return new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static void send(KafkaProducer<byte[], byte[]> to, String topic, long from, long count, long rate) throws Exception {
        int parts = to.partitionsFor(topic).size();
        AtomicReference<Exception> trouble = new AtomicReference<>();
        long start = System.nanoTime();
        for (long i = 0; i < count; i++) {
            to.send(new ProducerRecord<>(topic, (int) ((from + i) % parts), null, row(from + i)), (m, e) -> {
                if (e != null)
                    trouble.compareAndSet(null, e);
            });
            while (rate > 0 && (System.nanoTime() - start) * 1e-9 * rate < i)
                Thread.sleep(1);
        }
        to.flush();
        if (trouble.get() != null)
            throw trouble.get();
    }

    static void produce(String[] w) throws Exception {
        try (KafkaProducer<byte[], byte[]> to = producer(w[4], null)) {
            send(to, w[1], Long.parseLong(w[2]), Long.parseLong(w[3]), Long.parseLong(w[5]));
        }
    }

    static void start(String[] w) {
        failure.set(null);
        beside = new Thread(() -> {
            try {
                produce(w);
            } catch (Exception e) {
                failure.set(e.toString());
            }
        });
        beside.start();
    }

    static void transaction(String[] w) throws Exception {
        KafkaProducer<byte[], byte[]> to = producer("none", "t" + System.nanoTime());
        to.initTransactions();
        to.beginTransaction();
        send(to, w[1], Long.parseLong(w[2]), Long.parseLong(w[3]), 0);
        if (w[4].equals("open")) {
            undecided.add(to);
            return;
        }
        if (w[4].equals("commit"))
            to.commitTransaction();
        else
            to.abortTransaction();
        to.close();
    }

    static void one(String topic, int partition, String text) throws Exception {
        try (KafkaProducer<byte[], byte[]> to = producer("none", null)) {
            to.send(new ProducerRecord<>(topic, partition, null, text.replace("\\n", "\n").getBytes(StandardCharsets.UTF_8))).get();
        }
    }

    static void create(String[] w) throws Exception {
        Map<String, String> settings = new HashMap<>();
        for (int i = 4; i < w.length; i++)
            settings.put(w[i].split("=")[0], w[i].split("=")[1]);
        NewTopic topic = new NewTopic(w[1], Integer.parseInt(w[2]), Short.parseShort(w[3])).configs(settings);
        admin.createTopics(List.of(topic)).all().get();
    }

    static void move(TopicPartition p, int broker) throws Exception {
        admin.alterPartitionReassignments(Map.of(p, Optional.of(new NewPartitionReassignment(List.of(broker))))).all().get();
        for (;;) {
            var info = admin.describeTopics(List.of(p.topic())).allTopicNames().get().get(p.topic()).partitions().get(p.partition());
            if (info.replicas().size() == 1 && info.leader() != null && info.leader().id() == broker)
                return;
            Thread.sleep(100);
        }
    }

    static String offsets(String topic, OffsetSpec which) throws Exception {
        int parts = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < parts; i++) {
            TopicPartition p = new TopicPartition(topic, i);
            out.append(' ').append(admin.listOffsets(Map.of(p, which)).partitionResult(p).get().offset());
        }
        return out.toString();
    }

    static String run(String line) throws Exception {
        String[] w = line.split(" ");
        switch (w[0]) {
        case "create": create(w); break;
        case "delete": admin.deleteTopics(List.of(w[1])).all().get(); break;
        case "partitions": admin.createPartitions(Map.of(w[1], NewPartitions.increaseTo(Integer.parseInt(w[2])))).all().get(); break;
        case "produce": produce(w); break;
        case "start": start(w); break;
        case "wait":
            beside.join();
            if (failure.get() != null)
                throw new Exception(failure.get());
            break;
        case "transaction": transaction(w); break;
        case "send": one(w[1], Integer.parseInt(w[2]), line.split(" ", 4)[3]); break;
        case "trim":
            admin.deleteRecords(Map.of(new TopicPartition(w[1], Integer.parseInt(w[2])),
                                       RecordsToDelete.beforeOffset(Long.parseLong(w[3])))).all().get();
            break;
        case "move": move(new TopicPartition(w[1], Integer.parseInt(w[2])), Integer.parseInt(w[3])); break;
        case "begins": return offsets(w[1], OffsetSpec.earliest());
        case "ends": return offsets(w[1], OffsetSpec.latest());
        case "brokers":
            while (admin.describeCluster().nodes().get().size() < Integer.parseInt(w[1]))
                Thread.sleep(100);
            break;
        default: throw new Exception("no such command: " + w[0]);
        }
        return "";
    }

    public static void main(String[] args) throws Exception {
        servers = args[0];
        admin = Admin.create(Map.of("bootstrap.servers", servers, "default.api.timeout.ms", "300000", "request.timeout.ms", "30000"));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            String answer;
            try {
                answer = "ok" + run(line);
            } catch (Exception e) {
                answer = "error " + e.toString().replace('\n', ' ');
            }
            System.out.println(answer);
        }
        System.exit(0); /* also past transactions that were left open */
    }
}
