/* The commands of druid_tool.c, answered with the libraries of Druid, Hive and DataSketches; prove_druid_java.py compares. */
import com.google.common.hash.Hashing;
import java.io.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.datasketches.memory.Memory;
import org.apache.datasketches.tuple.arrayofdoubles.*;
import org.apache.druid.hll.HyperLogLogCollector;
import org.apache.druid.query.aggregation.histogram.*;
import org.apache.hive.common.util.BloomKFilter;

public class Both {
  static String hex(byte[] bytes) {
    StringBuilder s = new StringBuilder();
    for (byte b : bytes) s.append(String.format("%02x", b));
    return s.toString();
  }

  static byte[] image(String text) {
    byte[] out = new byte[text.length() / 2];
    for (int i = 0; i < out.length; i++) out[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
    return out;
  }

  static float number(long i) { return (float) ((i * 7919L % 10007) / 16.0); }

  static String hyper(String[] w) {
    HyperLogLogCollector s = HyperLogLogCollector.makeLatestCollector();
    if (w[0].equals("build")) {
      for (int i = 0; i < Integer.parseInt(w[3]); i++)
        s.add(Hashing.murmur3_128().hashString("v" + i, StandardCharsets.UTF_8).asBytes());
      return hex(s.toByteArray());
    }
    for (int i = 3; i < w.length; i++) s.fold(HyperLogLogCollector.makeCollector(ByteBuffer.wrap(image(w[i]))));
    return s.estimateCardinality() + " " + hex(s.toByteArray());
  }

  static byte[] bytes(BloomKFilter s) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    BloomKFilter.serialize(out, s);
    return out.toByteArray();
  }

  static String bloom(String[] w) throws IOException {
    if (w[0].equals("build")) {
      BloomKFilter s = new BloomKFilter(Long.parseLong(w[2]));
      for (int i = 0; i < Integer.parseInt(w[3]); i++) {
        s.addString("v" + i);
        s.addLong(i);
        s.addDouble(i + 0.5);
      }
      return hex(bytes(s));
    }
    BloomKFilter s = BloomKFilter.deserialize(new ByteArrayInputStream(image(w[3])));
    if (w.length > 4) s.merge(BloomKFilter.deserialize(new ByteArrayInputStream(image(w[4]))));
    int found = 0;
    for (int i = 0; i < 1000; i++) found += s.testString("v" + i) ? 1 : 0;
    return found + " " + hex(bytes(s));
  }

  static String approx(String[] w) {
    if (w[0].equals("build")) {
      ApproximateHistogram s = new ApproximateHistogram(Integer.parseInt(w[2]));
      for (int i = 0; i < Integer.parseInt(w[3]); i++) s.offer(number(i));
      return hex(s.toBytes());
    }
    ApproximateHistogram s = ApproximateHistogram.fromBytes(image(w[3]));
    if (w.length > 4) s.foldFast(ApproximateHistogram.fromBytes(image(w[4])));
    return s.getQuantiles(new float[] {0.25f})[0] + " " + hex(s.toBytes());
  }

  static String fixed(String[] w) {
    if (w[0].equals("build")) {
      FixedBucketsHistogram s = new FixedBucketsHistogram(100, 500, Integer.parseInt(w[2]), FixedBucketsHistogram.OutlierHandlingMode.OVERFLOW);
      for (int i = 0; i < Integer.parseInt(w[3]); i++) s.add(number(i));
      return hex(s.toBytes());
    }
    FixedBucketsHistogram s = FixedBucketsHistogram.fromBytes(image(w[3]));
    if (w.length > 4) s.combineHistogram(FixedBucketsHistogram.fromBytes(image(w[4])));
    return s.percentilesFloat(new double[] {30})[0] + " " + hex(s.toBytes());
  }

  static String tuple(String[] w) {
    int size = Integer.parseInt(w[2]);
    if (w[0].equals("build")) {
      ArrayOfDoublesUpdatableSketch s = new ArrayOfDoublesUpdatableSketchBuilder().setNominalEntries(size).setNumberOfValues(1).build();
      for (int i = 0; i < Integer.parseInt(w[3]); i++) s.update("v" + i, new double[] {i});
      return hex(s.compact().toByteArray());
    }
    if (w.length == 4) {
      ArrayOfDoublesSketch s = ArrayOfDoublesSketches.wrapSketch(Memory.wrap(image(w[3])));
      return s.getEstimate() + " " + w[3];
    }
    ArrayOfDoublesUnion u = new ArrayOfDoublesSetOperationBuilder().setNominalEntries(size).setNumberOfValues(1).buildUnion();
    for (int i = 3; i < w.length; i++) u.union(ArrayOfDoublesSketches.wrapSketch(Memory.wrap(image(w[i]))));
    ArrayOfDoublesCompactSketch s = u.getResult();
    return s.getEstimate() + " " + hex(s.toByteArray());
  }

  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      String[] w = line.split(" ");
      String answer = w[1].equals("hyper") ? hyper(w) : w[1].equals("bloom") ? bloom(w) : w[1].equals("approx") ? approx(w)
          : w[1].equals("fixed") ? fixed(w) : tuple(w);
      System.out.println(answer);
    }
  }
}
