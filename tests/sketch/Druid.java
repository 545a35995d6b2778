/*
 * Prints what tests/unit/sketch_druid_test.c holds as golden values: sums (FNV-1a) of the bytes that Druid's HyperLogLogCollector and Hive's BloomKFilter write, and their answers.
 *
 *     java -cp druid-processing-33.0.0.jar:guava.jar:hive-storage-api-2.7.0.jar tests/sketch/Druid.java
 */
import org.apache.druid.hll.*;
import org.apache.hive.common.util.*;
import java.util.*;
import java.nio.charset.StandardCharsets;
public class Druid {
  static String hex(byte[] b){StringBuilder s=new StringBuilder();for(byte x:b)s.append(String.format("%02x",x));return s.toString();}
  static String fnv(byte[] b){long h=0xcbf29ce484222325L;for(byte x:b){h^=x&0xff;h*=0x100000001b3L;}return String.format("%016x",h);}
  public static void main(String[] a) throws Exception {
    for (int n : new int[]{0,1,2,5,50,127,128,130,1000,20000,300000}) {
      HyperLogLogCollector c = HyperLogLogCollector.makeLatestCollector();
      for (int i=0;i<n;i++) c.add(com.google.common.hash.Hashing.murmur3_128().hashString("v"+i, StandardCharsets.UTF_8).asBytes());
      byte[] b=c.toByteArray();
      System.out.println("hyper "+n+" "+b.length+" "+fnv(b)+" "+c.estimateCardinality()+" "+(n<6?hex(b):""));
    }
    HyperLogLogCollector x = HyperLogLogCollector.makeLatestCollector(), y=HyperLogLogCollector.makeLatestCollector();
    for (int i=0;i<30000;i++) x.add(com.google.common.hash.Hashing.murmur3_128().hashString("v"+i, StandardCharsets.UTF_8).asBytes());
    for (int i=20000;i<22000;i++) y.add(com.google.common.hash.Hashing.murmur3_128().hashString("w"+i, StandardCharsets.UTF_8).asBytes());
    y.fold(x); System.out.println("hyper fold "+fnv(y.toByteArray())+" "+y.estimateCardinality());
    System.out.println("hash bytes "+Murmur3.hash64("hello world, 12345".getBytes())+" "+Murmur3.hash64("abc".getBytes())+" "+Murmur3.hash64(new byte[0]));
    for (long n : new long[]{1,10,1500,100000}) {
      BloomKFilter f=new BloomKFilter(n);
      for (int i=0;i<20;i++){ f.addString("v"+i); f.addLong(i); f.addDouble(i+0.5); }
      f.addBytes(null,0,0);
      java.io.ByteArrayOutputStream o=new java.io.ByteArrayOutputStream(); BloomKFilter.serialize(o,f); byte[] b=o.toByteArray();
      System.out.println("bloom "+n+" "+b.length+" "+b[0]+" "+fnv(b));
    }
  }
}
