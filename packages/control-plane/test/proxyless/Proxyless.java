import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.xds.XdsChannelCredentials;
import io.grpc.xds.XdsServerBuilder;
import io.grpc.xds.XdsServerCredentials;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * grpc-java as an application has it, with xDS credentials on both sides: {@code java -cp 'jars/*' Proxyless.java [PORT]}. With a port it
 * serves {@code /echo.Echo/Say}; else each line of its input, {"target", "headers", "deadlineMs"}, is a call and answered by a line, {"code", "text"}.
 */
public final class Proxyless {
  private static final MethodDescriptor<String, String> SAY =
      MethodDescriptor.<String, String>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("echo.Echo/Say")
          .setRequestMarshaller(new Text())
          .setResponseMarshaller(new Text())
          .build();

  public static void main(String[] argv) throws Exception {
    if (argv.length > 0) serve(Integer.parseInt(argv[0]));
    else call();
  }

  private static void serve(int port) throws Exception {
    ServerServiceDefinition echo =
        ServerServiceDefinition.builder("echo.Echo")
            .addMethod(
                SAY,
                ServerCalls.asyncUnaryCall(
                    (request, answer) -> {
                      answer.onNext("sealed");
                      answer.onCompleted();
                    }))
            .build();
    XdsServerBuilder.forPort(port, XdsServerCredentials.create(InsecureServerCredentials.create()))
        .addService(echo)
        .build()
        .start();
    System.out.println("listening");
    Thread.currentThread().join();
  }

  private static void call() throws IOException {
    Gson gson = new Gson();
    Map<String, ManagedChannel> channels = new HashMap<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject order = gson.fromJson(line, JsonObject.class);
      ManagedChannel channel =
          channels.computeIfAbsent(
              order.get("target").getAsString(),
              target ->
                  Grpc.newChannelBuilder(target, XdsChannelCredentials.create(InsecureChannelCredentials.create()))
                      .build());
      Metadata headers = new Metadata();
      order
          .getAsJsonObject("headers")
          .entrySet()
          .forEach(
              one ->
                  headers.put(
                      Metadata.Key.of(one.getKey(), Metadata.ASCII_STRING_MARSHALLER), one.getValue().getAsString()));
      JsonObject answer = new JsonObject();
      try {
        String text =
            ClientCalls.blockingUnaryCall(
                io.grpc.ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
                SAY,
                CallOptions.DEFAULT.withDeadlineAfter(order.get("deadlineMs").getAsLong(), TimeUnit.MILLISECONDS),
                "hi");
        answer.addProperty("code", 0);
        answer.addProperty("text", text);
      } catch (StatusRuntimeException error) {
        Status status = error.getStatus();
        answer.addProperty("code", status.getCode().value());
        answer.addProperty("text", String.valueOf(status.getDescription()));
      }
      System.out.println(gson.toJson(answer));
    }
    System.exit(0);
  }

  private static final class Text implements MethodDescriptor.Marshaller<String> {
    @Override
    public InputStream stream(String value) {
      return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String parse(InputStream stream) {
      try {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }
}
